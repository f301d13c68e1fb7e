import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Deployment, DevChaincode, InstalledPackage } from '../../node/dev/deployment.ts';
import type { DevClients } from '../../node/dev/dev-clients.ts';
import { deployChaincode } from '../../node/dev/dev-deploy.ts';
import type { DevNetwork } from '../../node/dev/dev-network.ts';
import { fileChanges, folderChanges } from '../../node/dev/folder-changes.ts';
import { constructorArguments } from '../chaincode/constructor-arguments.ts';
import { policyFlag } from '../chaincode/policy-flag.ts';
import type { DevelopedChaincode } from './chaincode-folder.ts';
import type { DevFlags } from './dev-command.ts';
import type { Facts, Reporter } from './reporter.ts';

/** One chaincode on one development network. */
export interface DevDeployment {
  readonly chaincode: DevelopedChaincode;
  readonly flags: Pick<DevFlags, 'name' | 'policy' | 'ctor'>;
  readonly network: Pick<DevNetwork, 'peers'>;
  readonly clients: DevClients;
  readonly reporter: Reporter;
  /** What the chaincode printed last, if it printed anything. */
  readonly lastOutput: () => string | undefined;
}

/** Nobody wonders about a chaincode that takes so long to start, milliseconds. */
const PATIENCE_MS = 5_000;

export const nameOf = ({ chaincode, flags }: Pick<DevDeployment, 'chaincode' | 'flags'>): string => flags.name ?? chaincode.name;

/** Brings the content onto the channel and says what that took. Afterwards every peer runs its chaincode, or starts it by itself. */
export async function deploy(deployment: DevDeployment, options: Cancellable): Promise<void> {
  const { clients, reporter } = deployment;
  const name = nameOf(deployment);
  let begun = performance.now();
  const onInstalled = ({ version, bytes, packageId }: InstalledPackage): void => {
    const peers = clients.admins.length;
    const text = `${name} version ${version}, ${(bytes / 1024).toFixed(1)} KiB, on ${peers} peer${peers === 1 ? '' : 's'}`;
    reporter.step('install', text, performance.now() - begun, { name, version, bytes, peers, ...(packageId && { packageId }) });
    if (packageId) reporter.detail(packageId);
    begun = performance.now();
  };
  const deployed = await deployChaincode(clients, wanted(deployment, options, onInstalled), options);
  startLegacy(deployment, options);
  const commit = deployed.did === 'nothing' ? undefined : deployed.submission.commit;
  const where = commit === undefined ? 'unchanged' : `${deployed.did}, block ${commit.blockNumber}, ${commit.codeName}`;
  const facts = { ...factsOf(name, deployed), ...(commit && { block: Number(commit.blockNumber), code: commit.codeName }) };
  reporter.step('chaincode', `${name} version ${deployed.version} ${where}`, performance.now() - begun, facts);
  if (deployed.package?.type.toLowerCase() === 'ccaas') tellService(deployed.package.id, reporter);
}

/** The same again whenever the content changes, until the signal aborts. A failure is told and the next change awaited. */
export async function deployOnChange(deployment: DevDeployment, options: Cancellable): Promise<void> {
  const { chaincode, reporter } = deployment;
  const changes = 'folder' in chaincode ? folderChanges(chaincode.folder, options) : fileChanges(chaincode.packageFile, options);
  for await (const _ of changes) {
    try {
      await deployIfChanged(deployment, options);
    } catch (thrown) {
      if (options.signal.aborted) return;
      const { code, message } = SelvageError.from(thrown);
      reporter.problem('chaincode', `not upgraded: ${inOneLine(message)}`, { name: nameOf(deployment), code, message });
    }
  }
}

/** The first line, and of the output that may follow it the line that names an error. */
export function inOneLine(message: string): string {
  const [first = '', ...output] = message.split('\n');
  const error = output.find((line) => /^\s*[\w.]*(Error|Exception|panic)\b/.test(line));
  return error === undefined ? first : `${first} ${error.trim()}`;
}

/** Saying nothing about a change of times or of a file that is not packed. */
async function deployIfChanged(deployment: DevDeployment, options: Cancellable): Promise<void> {
  const begun = performance.now();
  const name = nameOf(deployment);
  const deployed = await deployChaincode(deployment.clients, wanted(deployment, options), options);
  if (deployed.did === 'nothing') return;
  startLegacy(deployment, options);
  const { commit } = deployed.submission;
  const facts = { ...factsOf(name, deployed), block: Number(commit?.blockNumber ?? 0n), code: commit?.codeName };
  const text = `${name} version ${deployed.version} ${deployed.did}, block ${commit?.blockNumber}, world state kept`;
  deployment.reporter.step('changed', text, performance.now() - begun, facts);
  if (deployed.package !== undefined) deployment.reporter.detail(deployed.package.id);
}

function wanted(deployment: DevDeployment, options: Cancellable, onInstalled?: DevChaincode['onInstalled']): DevChaincode {
  const { chaincode, flags, network } = deployment;
  const policy = flags.policy === undefined ? undefined : policyFlag(flags.policy);
  const launch: DevChaincode['launch'] = (installed) =>
    toldWhenSlow(Promise.all(network.peers.map((peer) => peer.launch(installed, options))), deployment);
  return { ...chaincode, name: nameOf({ chaincode, flags }), init: constructorArguments(flags.ctor), policy, onInstalled, launch };
}

/** A chaincode that runs and does not register is given a minute, in which its developer need not guess. */
async function toldWhenSlow<T>(launch: Promise<T>, { reporter, lastOutput, ...deployment }: DevDeployment): Promise<T> {
  const name = nameOf(deployment);
  const timer = setTimeout(() => {
    const last = lastOutput();
    const printed = last === undefined ? 'it has printed nothing' : `it printed last: ${last}`;
    reporter.fact('waiting', { name, lastOutput: last }, [`  … ${name} has been started and has not registered yet; ${printed}`]);
  }, PATIENCE_MS);
  try {
    return await launch;
  } finally {
    clearTimeout(timer);
  }
}

const factsOf = (name: string, { version, did, package: installed }: Deployment): Facts => ({
  name,
  version,
  did,
  ...(installed && { packageId: installed.id, sequence: Number(installed.sequence) }),
});

/**
 * With the lifecycle of 2.x peers start by themselves what they can run. With that of 1.x one peer has started a new version for its
 * Init, the others are asked to. Nobody waits for it: a call that comes first shares the launch, and the log has what fails.
 */
function startLegacy({ network, clients, ...deployment }: DevDeployment, options: Cancellable): void {
  if (clients.lifecycle === 2) return;
  for (const peer of network.peers) peer.prepare(clients.channel, nameOf(deployment), options).catch(() => undefined);
}

/** A service is started by the user, who needs the id for that. */
function tellService(packageId: string, reporter: Reporter): void {
  const lines = [`  service    start it with CHAINCODE_ID=${packageId}`, '             at the address that connection.json names'];
  reporter.fact('service', { packageId }, lines);
}
