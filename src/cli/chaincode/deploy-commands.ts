import { resolve } from 'node:path';
import type { Command } from 'commander';
import { buildDeploymentSpec } from '../../chaincode/packaging/build-package.ts';
import { submit } from '../../client/submit.ts';
import { deployProposal } from '../../client/system-calls.ts';
import { utf8 } from '../../common/bytes.ts';
import { Connections, type OrdererFlags, type PeerFlags, readText, withOrderer, withPeers } from '../connections.ts';
import type { Terminal } from '../terminal.ts';
import { collectionsOf } from './collections.ts';
import { constructorArguments } from './constructor-arguments.ts';
import { languageOf, type SourceFlags, withSource } from './package-commands.ts';
import { policyFlag } from './policy-flag.ts';

interface DeployFlags extends SourceFlags, OrdererFlags, PeerFlags {
  readonly channelID?: string;
  readonly policy?: string;
  readonly escc?: string;
  readonly vscc?: string;
  readonly collectionsConfig?: string;
}

/** `chaincode instantiate` and `chaincode upgrade`: Init runs in the transaction that writes the definition. */
export function deployCommands(parent: Command, terminal: Terminal): void {
  deployCommand(parent, terminal, 'instantiate', 'deploy', 'Deploy the specified chaincode to the network.');
  deployCommand(parent, terminal, 'upgrade', 'upgrade', 'Upgrade chaincode.');
}

function deployCommand(parent: Command, terminal: Terminal, name: string, verb: 'deploy' | 'upgrade', description: string): void {
  withOrderer(withPeers(withSource(parent.command(name).description(description))))
    .option('-C, --channelID <channel>', 'the channel on which this command is executed', '')
    .option('-P, --policy <policy>', 'the endorsement policy of this chaincode')
    .option('-E, --escc <name>', 'the name of the endorsement plugin')
    .option('-V, --vscc <name>', 'the name of the validation plugin')
    .option('--collections-config <file>', 'private data collections in JSON')
    .action(async (flags: DeployFlags) => {
      using connections = new Connections(terminal);
      const endorsers = connections.peers(flags);
      const proposal = deployProposal(verb, { ...deployArguments(flags, terminal), channelId: flags.channelID ?? '' });
      await submit({ signer: await connections.signer(), endorsers, orderer: connections.orderer(flags) }, proposal, terminal);
    });
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
