import { submit } from '../../client/submit.ts';
import { type Caller, deployProposal, install, installedChaincodes, instantiatedChaincodes } from '../../client/system-calls.ts';
import { equalBytes, utf8 } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { buildDeploymentSpec } from '../../packages/build-package.ts';
import { parsePackage } from '../../packages/chaincode-package.ts';
import { type PackedSources, packSources } from '../../packages/platforms/platforms.ts';
import { protos } from '../../protos/messages.ts';
import { type Deployment, type DevChaincode, refuseInvalid } from './deployment.ts';
import type { DevClients } from './dev-clients.ts';

type LegacyChaincode = DevChaincode & { readonly folder: string };

/**
 * Brings the chaincode in a folder onto the channel: installs it on every peer, then instantiates it, or upgrades it when its
 * content changed. Versions are 1, 2, 3, …
 *
 * @throws {SelvageError} `REFUSED_BY_PEER` with the peer's reason; `CHAINCODE_PACKAGE_INVALID`
 */
export async function deployLegacy(clients: DevClients, chaincode: LegacyChaincode, options: Cancellable): Promise<Deployment> {
  const [first] = clients.admins;
  if (first === undefined) throw new SelvageError('INTERNAL', 'no organisation');
  const sources = await packSources(chaincode.folder, undefined, { sourcesOnly: true });
  const current = (await instantiatedChaincodes(first, clients.channel, options)).find(({ name }) => name === chaincode.name)?.version;
  if (current !== undefined && (await isInstalled(first, packageOf(chaincode, current, sources), options))) {
    await installEverywhere(clients, packageOf(chaincode, current, sources), options);
    return { did: 'nothing', version: current };
  }
  const version = await nextVersion(clients, chaincode.name, current, options);
  const packageBytes = packageOf(chaincode, version, sources);
  await installEverywhere(clients, packageBytes, options);
  chaincode.onInstalled?.({ version, bytes: packageBytes.length });
  const deploymentSpec = packageOf(chaincode, version, { ...sources, codePackage: new Uint8Array(0) });
  const { collections } = chaincode;
  const verb = current === undefined ? 'deploy' : 'upgrade';
  const parts = {
    signer: first.signer,
    endorsers: [first.peer],
    orderer: clients.orderer,
    listeners: clients.admins.map(({ peer }) => peer),
  };
  const submission = await submit(
    parts,
    deployProposal(verb, {
      channelId: clients.channel,
      deploymentSpec,
      policy: chaincode.policy,
      collections: collections && protos.CollectionConfigPackage.encode(collections),
    }),
    options,
  );
  refuseInvalid(submission, verb);
  return { did: verb === 'deploy' ? 'instantiated' : 'upgraded', version, submission };
}

const packageOf = ({ name, init }: LegacyChaincode, version: string, sources: PackedSources): Uint8Array =>
  buildDeploymentSpec({ name, version, ...sources, args: init.map(utf8) });

/** One more than any peer has: an upgrade that failed leaves a package behind whose version cannot be used again. */
async function nextVersion({ admins }: DevClients, name: string, current: string | undefined, options: Cancellable): Promise<string> {
  const installed = (await Promise.all(admins.map((admin) => installedChaincodes(admin, options)))).flat();
  const versions = installed.filter((each) => each.name === name).map(({ version }) => Number(version));
  return String(Math.max(Number(current ?? '0'), ...versions.filter(Number.isInteger)) + 1);
}

async function isInstalled(caller: Caller, packageBytes: Uint8Array, options: Cancellable): Promise<boolean> {
  const { name, version, id } = parsePackage(packageBytes);
  const installed = await installedChaincodes(caller, options);
  return installed.some((each) => each.name === name && each.version === version && equalBytes(each.id, id));
}

/** Installs where it is missing; a peer that has it keeps it. */
async function installEverywhere({ admins }: DevClients, packageBytes: Uint8Array, options: Cancellable): Promise<void> {
  await Promise.all(
    admins.map(async (admin) => {
      if (!(await isInstalled(admin, packageBytes, options))) await install(admin, packageBytes, options);
    }),
  );
}
