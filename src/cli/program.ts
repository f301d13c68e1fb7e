import { Command } from 'commander';
import { version } from '../node/version.ts';
import { chaincodeCommands } from './chaincode/chaincode-commands.ts';
import { channelCommands } from './channel/channel-commands.ts';
import { devCommand } from './dev/dev-command.ts';
import { nodeCommands } from './node-commands.ts';
import type { Terminal } from './terminal.ts';

const AFTER_HELP = `
Exit codes:
  0    done
  1    it failed; the last lines say what and what to do
  2    the command line or a setting is wrong
  130  interrupted

The chaincode, channel and node commands read the same flags, CORE_ variables and core.yaml keys as Hyperledger
Fabric's \`peer\`, so that a script written for it runs with: alias peer=selvage`;

/** The whole command line. */
export function buildProgram(terminal: Terminal): Command {
  const program = new Command('selvage')
    .description('A Hyperledger Fabric peer: run a network in one command, or one peer of a real one.')
    .version(version, '-V, --version', 'print the version')
    .addHelpText('after', AFTER_HELP)
    .showHelpAfterError('(add --help to see what it takes)')
    .configureOutput({ writeOut: (text) => terminal.out(text.trimEnd()), writeErr: (text) => terminal.say(text.trimEnd()) })
    .exitOverride();
  devCommand(program, terminal);
  nodeCommands(program, terminal);
  chaincodeCommands(program, terminal);
  channelCommands(program, terminal);
  program
    .command('version')
    .description('Print the version.')
    .action(() => terminal.out(`selvage:\n Version: ${version}\n Node: ${process.versions.node}`));
  everyCommand(program, (command) => command.exitOverride());
  return program;
}

/** Flags that the stock `peer` takes everywhere, and commander's settings that do not reach sub-commands by themselves. */
function everyCommand(command: Command, apply: (each: Command) => void): void {
  for (const each of command.commands) {
    apply(each);
    each.copyInheritedSettings(command);
    everyCommand(each, apply);
  }
}
