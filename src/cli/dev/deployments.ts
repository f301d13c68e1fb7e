import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { DevChaincode } from '../../node/dev/deployment.ts';
import type { DevClients } from '../../node/dev/dev-clients.ts';
import { deployChaincode } from '../../node/dev/dev-deploy.ts';
import type { DevNetwork } from '../../node/dev/dev-network.ts';
import { folderChanges } from '../../node/dev/folder-changes.ts';
import { constructorArguments } from '../chaincode/constructor-arguments.ts';
import { policyFlag } from '../chaincode/policy-flag.ts';
import type { ChaincodeFolder } from './chaincode-folder.ts';
import type { DevFlags } from './dev-command.ts';
import type { Reporter } from './reporter.ts';

/** One chaincode on one development network. */
export interface DevDeployment {
  readonly chaincode: ChaincodeFolder;
  readonly flags: Pick<DevFlags, 'name' | 'policy' | 'ctor'>;
  readonly network: Pick<DevNetwork, 'peers'>;
  readonly clients: DevClients;
  readonly reporter: Reporter;
}

export const nameOf = ({ chaincode, flags }: Pick<DevDeployment, 'chaincode' | 'flags'>): string => flags.name ?? chaincode.name;

/** Brings the folder's content onto the channel and says what that took. Afterwards every peer starts its chaincode by itself. */
export async function deploy(deployment: DevDeployment, options: Cancellable): Promise<void> {
  const name = nameOf(deployment);
  let begun = performance.now();
  const onInstalled = ({ version, bytes }: { readonly version: string; readonly bytes: number }): void => {
    const peers = deployment.clients.admins.length;
    const text = `${name} version ${version}, ${(bytes / 1024).toFixed(1)} KiB, on ${peers} peer${peers === 1 ? '' : 's'}`;
    deployment.reporter.step('install', text, performance.now() - begun, { name, version, bytes, peers });
    begun = performance.now();
  };
  const { did, version, ...rest } = await deployed(deployment, options, onInstalled);
  const commit = 'submission' in rest ? rest.submission.commit : undefined;
  const where = commit === undefined ? 'unchanged' : `${did}, block ${commit.blockNumber}, ${commit.codeName}`;
  const facts = { name, version, did, ...(commit && { block: Number(commit.blockNumber), code: commit.codeName }) };
  deployment.reporter.step('chaincode', `${name} version ${version} ${where}`, performance.now() - begun, facts);
  startEverywhere(deployment, options);
}

/** The same again whenever files of the folder change, until the signal aborts. A failure is told and the next change awaited. */
export async function deployOnChange(deployment: DevDeployment, options: Cancellable): Promise<void> {
  for await (const _ of folderChanges(deployment.chaincode.folder, options)) {
    try {
      await deployIfChanged(deployment, options);
    } catch (thrown) {
      if (options.signal.aborted) return;
      const { code, message } = SelvageError.from(thrown);
      deployment.reporter.problem('chaincode', `not upgraded: ${inOneLine(message)}`, { name: nameOf(deployment), code, message });
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
  const outcome = await deployed(deployment, options);
  if (outcome.did === 'nothing') return;
  const { commit } = outcome.submission;
  const facts = { name, version: outcome.version, did: outcome.did, block: Number(commit?.blockNumber ?? 0n), code: commit?.codeName };
  const text = `${name} version ${outcome.version} ${outcome.did}, block ${commit?.blockNumber}, world state kept`;
  deployment.reporter.step('changed', text, performance.now() - begun, facts);
  startEverywhere(deployment, options);
}

function deployed({ chaincode, flags, clients }: DevDeployment, options: Cancellable, onInstalled?: DevChaincode['onInstalled']) {
  const policy = flags.policy === undefined ? undefined : policyFlag(flags.policy);
  const init = constructorArguments(flags.ctor);
  return deployChaincode(clients, { name: nameOf({ chaincode, flags }), folder: chaincode.folder, init, policy, onInstalled }, options);
}

/** Nobody waits for it: a call that comes first shares the launch, and the log has what fails. */
function startEverywhere(deployment: DevDeployment, options: Cancellable): void {
  for (const peer of deployment.network.peers) peer.prepare(deployment.clients.channel, nameOf(deployment), options).catch(() => undefined);
}
