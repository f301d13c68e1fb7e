import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildDeploymentSpec } from '../../chaincode/packaging/build-package.ts';
import { parsePackage } from '../../chaincode/packaging/chaincode-package.ts';
import { type PackedSources, packSources } from '../../chaincode/platforms/platforms.ts';
import { OrdererClient } from '../../client/orderer-client.ts';
import { PeerClient } from '../../client/peer-client.ts';
import { type Submission, submit } from '../../client/submit.ts';
import {
  type Caller,
  deployProposal,
  install,
  installedChaincodes,
  instantiatedChaincodes,
  joinChannel,
  joinedChannels,
} from '../../client/system-calls.ts';
import { equalBytes, utf8 } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { protos } from '../../protos/messages.ts';
import { readPem } from '../files.ts';
import { loadSigner } from '../membership.ts';
import { type DevFolders, ordererFolder, peerFolder, userFolder } from './dev-material.ts';
import type { DevPlan } from './dev-plan.ts';

/** Somebody of one organisation with a connection to that organisation's peer. */
export interface DevClient extends Caller {
  readonly mspId: string;
}

/** Clients of a development network: what a user with its connection profile could do, nothing more. */
export interface DevClients extends Disposable {
  readonly channel: string;
  /** One Admin per organisation. */
  readonly admins: readonly DevClient[];
  /** A plain member of the first organisation. */
  readonly user: DevClient;
  readonly orderer: OrdererClient;
}

export async function connectClients(folders: DevFolders, plan: DevPlan): Promise<DevClients> {
  const open: Disposable[] = [];
  const keep = <T extends Disposable>(connection: T): T => {
    open.push(connection);
    return connection;
  };
  const tlsOf = async (caFile: string, name: string) => (plan.tls ? { roots: await readPem(caFile), hostnameOverride: name } : undefined);
  const peers = await Promise.all(
    plan.peers.map(async (peer) =>
      keep(
        new PeerClient({
          address: `localhost:${peer.port}`,
          tls: await tlsOf(join(peerFolder(folders, peer), 'tls', 'ca.crt'), peer.host),
        }),
      ),
    ),
  );
  const { orderer } = plan;
  const ordererTls = await tlsOf(join(ordererFolder(folders, orderer), 'tls', 'ca.crt'), orderer.host);
  const client = async (at: number, user: string): Promise<DevClient> => {
    const peer = plan.peers[at];
    const connection = peers[at];
    if (peer === undefined || connection === undefined)
      throw new SelvageError('INTERNAL', 'a development network has at least one organisation');
    return { peer: connection, mspId: peer.mspId, signer: await loadSigner(join(userFolder(folders, peer, user), 'msp'), peer.mspId) };
  };
  return {
    channel: plan.channel,
    admins: await Promise.all(plan.peers.map((_, at) => client(at, 'Admin'))),
    user: await client(0, 'User1'),
    orderer: keep(new OrdererClient({ address: `localhost:${orderer.port}`, tls: ordererTls })),
    [Symbol.dispose]: () => {
      for (const each of open) each[Symbol.dispose]();
    },
  };
}

/** Makes every peer join the channel that has not yet. Resolves with the number that had to. */
export async function joinAll(clients: DevClients, folders: DevFolders, options: Cancellable): Promise<number> {
  const genesis = await readFile(folders.genesisBlock);
  const joined = await Promise.all(
    clients.admins.map(async (admin) => {
      if ((await joinedChannels(admin, options)).includes(clients.channel)) return 0;
      await joinChannel(admin, genesis, options);
      return 1;
    }),
  );
  return joined.reduce<number>((sum, each) => sum + each, 0);
}

/** A chaincode to deploy. */
export interface DevChaincode {
  readonly name: string;
  readonly folder: string;
  /** Arguments of Init. */
  readonly init: readonly string[];
  /** `SignaturePolicyEnvelope` bytes; any member of the channel by default. */
  readonly policy?: Uint8Array | undefined;
  /** Hears that every peer has a new version, before it is instantiated. `bytes` is the size of its package. */
  readonly onInstalled?: ((installed: { readonly version: string; readonly bytes: number }) => void) | undefined;
}

export type Deployment =
  | { readonly did: 'nothing'; readonly version: string }
  | { readonly did: 'instantiated' | 'upgraded'; readonly version: string; readonly submission: Submission };

/**
 * Brings the chaincode in a folder onto the channel: installs it on every peer, then instantiates it, or upgrades it when its
 * content changed. Versions are 1, 2, 3, …
 *
 * @throws {SelvageError} `REFUSED_BY_PEER` with the peer's reason; `CHAINCODE_PACKAGE_INVALID`
 */
export async function deployChaincode(clients: DevClients, chaincode: DevChaincode, options: Cancellable): Promise<Deployment> {
  const [first] = clients.admins;
  if (first === undefined) throw new SelvageError('INTERNAL', 'no organisation');
  const sources = await packSources(chaincode.folder);
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
  const verb = current === undefined ? 'deploy' : 'upgrade';
  const parts = {
    signer: first.signer,
    endorsers: [first.peer],
    orderer: clients.orderer,
    listeners: clients.admins.map(({ peer }) => peer),
  };
  const submission = await submit(
    parts,
    deployProposal(verb, { channelId: clients.channel, deploymentSpec, policy: chaincode.policy }),
    options,
  );
  refuseInvalid(submission, verb);
  return { did: verb === 'deploy' ? 'instantiated' : 'upgraded', version, submission };
}

const packageOf = ({ name, init }: DevChaincode, version: string, sources: PackedSources): Uint8Array =>
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

function refuseInvalid({ commit, proposal }: Submission, verb: string): void {
  if (commit === undefined || commit.code === protos.TxValidationCode.VALID) return;
  throw new SelvageError('REFUSED_BY_PEER', `the ${verb} transaction ${proposal.txId} was invalidated: ${commit.codeName}`, {
    details: { txId: proposal.txId, code: commit.code },
  });
}
