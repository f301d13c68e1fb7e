import { type Command, Option } from 'commander';
import { SelvageError } from '../common/errors.ts';
import { integerFlag } from './flags.ts';
import { NODE_HELP } from './help.ts';
import type { NodeFlags } from './node-flags.ts';
import { expectOperands } from './operands.ts';
import type { Terminal } from './terminal.ts';

/** `node start`: a peer from core.yaml and CORE_ variables, until it is told to stop. */
export function nodeCommands(program: Command, terminal: Terminal): void {
  const node = program
    .command('node')
    .description('Operate a peer node: start; the others of `peer` say what they do not do yet.')
    .addHelpText('afterAll', NODE_HELP);
  node
    .command('start')
    .description('Start a node that interacts with the network.')
    .option('--peer-chaincodedev', 'start the peer in chaincode development mode: you start the chaincode yourself')
    .option('-o, --orderer <host:port>', 'accepted for compatibility; the channel configuration names the orderers')
    .action(async (flags: NodeFlags, { args }: Command) => {
      expectOperands({ args }, { most: 0 }, 'trailing args detected');
      await (await import('./node-start.ts')).startNode(flags, terminal);
    });
  for (const [name, what] of NOT_YET) withChannel(node.command(name).description(`Not yet: ${what}.`)).action(() => refuse(name));
}

/** What the stock `peer` does to the ledgers of a peer that does not run, and this one cannot. */
const NOT_YET = [
  ['reset', 'takes every channel back to its first block'],
  ['rollback', 'takes a channel back to an earlier block'],
  ['pause', 'leaves a channel out of the next starts'],
  ['resume', 'takes a channel that was paused into the next starts'],
  ['rebuild-dbs', 'makes what is derived from the blocks anew at the next start'],
  ['unjoin', 'takes a channel off the peer'],
  ['upgrade-dbs', 'brings the ledgers of an earlier version of Fabric up to date'],
] as const;

const withChannel = (command: Command): Command =>
  command
    .addOption(new Option('-c, --channelID <channel>').hideHelp())
    .addOption(integerFlag('-b, --blockNumber <number>', 'the block', 'uint').hideHelp());

function refuse(name: string): never {
  throw new SelvageError('SETTING_INVALID', `this peer has no node ${name} yet: nothing was changed`);
}
