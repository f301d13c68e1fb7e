import { Command, Help, Option } from 'commander';
import { version } from '../node/version.ts';
import { chaincodeCommands } from './chaincode/chaincode-commands.ts';
import { channelCommands } from './channel/channel-commands.ts';
import { deployCommand } from './deploy/deploy-command.ts';
import { devCommand } from './dev/dev-command.ts';
import { explainCommands } from './explain/explain-commands.ts';
import { EXIT_CODES, PROGRAM_HELP } from './help.ts';
import { imagesCommands } from './images-command.ts';
import { ledgerCommands } from './ledger/ledger-commands.ts';
import { lifecycleCommands } from './lifecycle/lifecycle-commands.ts';
import { nodeCommands } from './node-commands.ts';
import { expectOperands } from './operands.ts';
import { queryCommands } from './query/query-commands.ts';
import { snapshotCommands } from './snapshot-commands.ts';
import type { Terminal } from './terminal.ts';

/** The whole command line. */
export function buildProgram(terminal: Terminal): Command {
  const program = new Command('selvage')
    .description('A Hyperledger Fabric peer: run a network in one command, or one peer of a real one.')
    .version(version, '-V, --version', 'print the version')
    .addHelpText('after', PROGRAM_HELP)
    .addHelpText('afterAll', EXIT_CODES)
    .showHelpAfterError('(add --help to see what it takes)')
    .configureHelp({ optionDescription: describeOption })
    .configureOutput({ writeOut: (text) => terminal.out(text.trimEnd()), writeErr: (text) => terminal.say(text.trimEnd()) })
    .enablePositionalOptions() // -V and --version mean something else after a command
    .exitOverride();
  devCommand(program, terminal);
  deployCommand(program, terminal);
  nodeCommands(program, terminal);
  chaincodeCommands(program, terminal);
  lifecycleCommands(program, terminal);
  channelCommands(program, terminal);
  snapshotCommands(program, terminal);
  imagesCommands(program, terminal);
  ledgerCommands(program, terminal);
  explainCommands(program, terminal);
  queryCommands(program, terminal);
  program
    .command('version')
    .description('Print the version.')
    .action((_: unknown, { args }: Command) => {
      expectOperands({ args }, { most: 0 }, 'trailing args detected');
      terminal.out(`selvage:\n Version: ${version}\n Node: ${process.versions.node}`);
    });
  takeEverywhere(program);
  return program;
}

const help = new Help();

/** As usual, without the default of what has none: an empty text says nothing. */
function describeOption(option: Option): string {
  const text = help.optionDescription(option);
  return option.defaultValue === '' ? text.replace(/ \(default: ""\)$/, '') : text;
}

/** The commands of the stock `peer`: there words that nobody uses count for nothing. */
const OF_PEER: ReadonlySet<string> = new Set(['chaincode', 'lifecycle', 'channel', 'node', 'snapshot', 'version']);

/** Whether `peer` has a command; of its exit codes scripts know 0 and 1. */
export const isOfPeer = ([first = '', second]: readonly string[]): boolean =>
  OF_PEER.has(first) && !(first === 'chaincode' && second === 'logs');

/** What the stock `peer` takes on every command, and settings that reach a sub-command only when they are handed down at the end. */
function takeEverywhere(command: Command): void {
  command.addOption(new Option('--logging-level <level>', 'accepted for compatibility; see FABRIC_LOGGING_SPEC').hideHelp());
  for (const each of command.commands) {
    each.copyInheritedSettings(command);
    if (command.parent === null && OF_PEER.has(each.name())) each.allowExcessArguments();
    takeEverywhere(each);
  }
}
