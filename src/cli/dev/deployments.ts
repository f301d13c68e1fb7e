import { existsSync } from 'node:fs';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Deployment, DevChaincode, InstalledPackage } from '../../node/dev/deployment.ts';
import type { DevClients } from '../../node/dev/dev-clients.ts';
import { deployChaincode } from '../../node/dev/dev-deploy.ts';
import type { DevNetwork } from '../../node/dev/dev-network.ts';
import { fileChanges, folderChanges } from '../../node/dev/folder-changes.ts';
import type { Facts, Reporter } from './reporter.ts';
import type { RequestedChaincode } from './requested-chaincodes.ts';

/** One chaincode on one development network. */
export interface DevDeployment {
  readonly chaincode: RequestedChaincode;
  /** Whether others are on the network, too, so that its name must be said. */
  readonly amongOthers: boolean;
  readonly network: Pick<DevNetwork, 'peers'>;
  readonly clients: DevClients;
  readonly reporter: Reporter;
  /** What the chaincode printed last, if it printed anything. */
  readonly lastOutput: () => string | undefined;
}

/** Nobody wonders about a chaincode that takes so long to start, milliseconds. */
const PATIENCE_MS = 5_000;

/** Brings the content onto the channel and says what that took. Afterwards every peer runs its chaincode, or starts it by itself. */
export async function deploy(deployment: DevDeployment, options: Cancellable): Promise<void> {
  const { clients, reporter } = deployment;
  const name = deployment.chaincode.name;
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
  const { reporter, chaincode, amongOthers } = deployment;
  const { source, name } = chaincode;
  const changes = 'folder' in source ? folderChanges(source.folder, options) : fileChanges(source.packageFile, options);
  let gone = false;
  let failed = false;
  for await (const _ of changes) {
    const place = 'folder' in source ? source.folder : source.packageFile;
    if (!existsSync(place)) {
      if (!gone) reporter.problem('gone', `${place} is not there any more; ${name} goes on as it is until it is back`, { name, place });
      gone = true;
      continue;
    }
    if (gone) reporter.step('back', place, undefined, { name, place });
    gone = false;
    try {
      const changed = await deployIfChanged(deployment, options);
      if (failed && !changed) reporter.step('unchanged', `${name} is again what runs`, undefined, { name });
      failed = false;
    } catch (thrown) {
      if (options.signal.aborted) return;
      const error = SelvageError.from(thrown);
      const { code, message } = error;
      const advice = adviceOf(error);
      const facts = { name, code, message, ...(advice && { advice }) };
      reporter.problem('chaincode', `${amongOthers ? `${name} ` : ''}not upgraded: ${inOneLine(message)}`, facts);
      if (advice !== undefined) reporter.detail(advice);
      reporter.detail('what ran before goes on answering');
      failed = true;
    }
  }
}

/** The first line, and of the output that may follow it the line that names an error. */
export function inOneLine(message: string): string {
  const [first = '', ...output] = message.replace(INSTALL, '').replaceAll(HASH, '').split('\n');
  const error = output.find((line) => /^\s*[\w.]*(Error|Exception|panic)\b/.test(line));
  return error === undefined ? first : `${first} ${error.trim()}`;
}

/** What to do, with the cause where the message ends with both, as that of a failed launch does. */
export function adviceOf({ message, advice }: Pick<SelvageError, 'message' | 'advice'>): string | undefined {
  const last = message.slice(message.lastIndexOf('\n') + 1);
  return advice !== undefined && last.endsWith(advice) ? last : advice;
}

/** What stands before the reason of a build that failed: who asked whom. */
const INSTALL = /^chaincode install failed with status: \d+ - (?:failed to invoke backing implementation of 'InstallChaincode': )?/;
/** A package id is its label to somebody who has just packed it. */
const HASH = /:[0-9a-f]{64}\b/g;

/** Says nothing about a change of times or of a file that is not packed. @returns whether there is something new */
async function deployIfChanged(deployment: DevDeployment, options: Cancellable): Promise<boolean> {
  const begun = performance.now();
  const name = deployment.chaincode.name;
  const deployed = await deployChaincode(deployment.clients, wanted(deployment, options), options);
  if (deployed.did === 'nothing') return false;
  startLegacy(deployment, options);
  const { commit } = deployed.submission;
  const facts = { ...factsOf(name, deployed), block: Number(commit?.blockNumber ?? 0n), code: commit?.codeName };
  const text = `${name} version ${deployed.version} ${deployed.did}, block ${commit?.blockNumber}, world state kept`;
  deployment.reporter.step('changed', text, performance.now() - begun, facts);
  if (deployed.package !== undefined) deployment.reporter.detail(deployed.package.id);
  return true;
}

function wanted(deployment: DevDeployment, options: Cancellable, onInstalled?: DevChaincode['onInstalled']): DevChaincode {
  const { network, chaincode } = deployment;
  const { source, name, init, policy, collections } = chaincode;
  const launch: DevChaincode['launch'] = (installed) =>
    toldWhenSlow(Promise.all(network.peers.map((peer) => peer.launch(installed, options))), deployment);
  return { ...source, name, init, policy: policy?.bytes, collections: collections?.config, onInstalled, launch };
}

/** A chaincode that runs and does not register is given a minute, in which its developer need not guess. */
async function toldWhenSlow<T>(launch: Promise<T>, { reporter, lastOutput, chaincode: { name } }: DevDeployment): Promise<T> {
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
  for (const peer of network.peers) peer.prepare(clients.channel, deployment.chaincode.name, options).catch(() => undefined);
}

/** A service is started by the user, who needs the id for that. */
function tellService(packageId: string, reporter: Reporter): void {
  const lines = [`  service    start it with CHAINCODE_ID=${packageId}`, '             at the address that connection.json names'];
  reporter.fact('service', { packageId }, lines);
}
