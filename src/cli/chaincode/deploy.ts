import { resolve } from 'node:path';
import { submit } from '../../client/submit.ts';
import { deployProposal } from '../../client/system-calls.ts';
import { utf8 } from '../../common/bytes.ts';
import { buildDeploymentSpec } from '../../packages/build-package.ts';
import { Connections, readText } from '../connections.ts';
import type { Terminal } from '../terminal.ts';
import type { DeployFlags } from './chaincode-commands.ts';
import { collectionsOf } from './collections.ts';
import { constructorArguments } from './constructor-arguments.ts';
import { languageOf } from './language.ts';
import { policyFlag } from './policy-flag.ts';

/** Instantiates or upgrades: endorsed and handed to the orderer; whether it was valid is for the ledger to say. */
export async function deploy(verb: 'deploy' | 'upgrade', flags: DeployFlags, terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const endorsers = [connections.onePeer(verb === 'deploy' ? 'instantiate' : 'upgrade', flags)];
  const proposal = deployProposal(verb, { ...deployArguments(flags, terminal), channelId: flags.channelID });
  await submit({ signer: await connections.signer(), endorsers, orderer: connections.orderer(flags) }, proposal, terminal);
}

function deployArguments({ name, version, path = '', lang, ctor, policy, escc, vscc, collectionsConfig }: DeployFlags, { cwd }: Terminal) {
  const args = constructorArguments(ctor).map(utf8);
  return {
    deploymentSpec: buildDeploymentSpec({ name, version, path, type: languageOf(lang), codePackage: new Uint8Array(0), args }),
    policy: policy === undefined ? undefined : policyFlag(policy),
    escc,
    vscc,
    collections: collectionsConfig === undefined ? undefined : collectionsOf(readText(resolve(cwd, collectionsConfig))),
  };
}
