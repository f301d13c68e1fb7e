import { resolve } from 'node:path';
import { submit } from '../../client/submit.ts';
import { deployProposal } from '../../client/system-calls.ts';
import { utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { buildDeploymentSpec } from '../../packages/build-package.ts';
import { protos } from '../../protos/messages.ts';
import { Connections } from '../connections.ts';
import { required } from '../operands.ts';
import { submitParts } from '../sending.ts';
import { chaincodeTargets } from '../targets.ts';
import type { Terminal } from '../terminal.ts';
import type { DeployFlags } from './chaincode-flags.ts';
import { readCollections } from './collections.ts';
import { constructorArguments } from './constructor-arguments.ts';
import { languageOf } from './language.ts';
import { policyFlag } from './policy-flag.ts';

/** Instantiates or upgrades: endorsed and handed to the orderer; whether it was valid is for the ledger to say. */
export async function deploy(verb: 'deploy' | 'upgrade', flags: DeployFlags, terminal: Terminal): Promise<void> {
  required('channelID', flags.channelID, '-C');
  const command = verb === 'deploy' ? 'instantiate' : 'upgrade';
  const deployment = deployArguments(flags, command, terminal);
  using connections = new Connections(terminal);
  const { peer } = await connections.caller(chaincodeTargets({ command, flags, channelId: flags.channelID }, connections));
  const proposal = deployProposal(verb, { ...deployment, channelId: flags.channelID });
  const parts = await submitParts(connections, { endorsers: [peer], flags, channelId: flags.channelID }, terminal);
  const refusal = ({ status, message }: { readonly status: number; readonly message: string }): string =>
    `could not assemble transaction, err proposal response was not successful, error code ${status}, msg ${message}`;
  await submit({ ...parts, refusal }, proposal, terminal);
}

function deployArguments(flags: DeployFlags, command: string, { cwd }: Pick<Terminal, 'cwd'>) {
  const { name, version, path = '', lang, ctor, policy, escc, vscc, collectionsConfig } = flags;
  if (name === '') throw new SelvageError('SETTING_INVALID', 'must supply value for chaincode name parameter', { advice: 'Add -n NAME.' });
  if (version === '')
    throw new SelvageError('SETTING_INVALID', `chaincode version is not provided for ${command}`, { advice: 'Add -v VERSION.' });
  const args = constructorArguments(ctor).map(utf8);
  return {
    deploymentSpec: buildDeploymentSpec({ name, version, path, type: languageOf(lang), codePackage: new Uint8Array(0), args }),
    policy: policy === undefined ? undefined : policyFlag(policy),
    escc,
    vscc,
    collections:
      collectionsConfig === undefined ? undefined : protos.CollectionConfigPackage.encode(readCollections(resolve(cwd, collectionsConfig))),
  };
}
