import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { invokeCommand, queryCommand } from './call-commands.ts';
import { deployCommands } from './deploy-commands.ts';
import { listCommand } from './list-command.ts';
import { installCommand, packageCommand, signPackageCommand } from './package-commands.ts';

/** The `chaincode` commands of the stock `peer`. */
export function chaincodeCommands(program: Command, terminal: Terminal): void {
  const chaincode = program
    .command('chaincode')
    .description('Operate a chaincode: install|instantiate|invoke|package|query|signpackage|upgrade|list.');
  installCommand(chaincode, terminal);
  deployCommands(chaincode, terminal);
  invokeCommand(chaincode, terminal);
  packageCommand(chaincode, terminal);
  queryCommand(chaincode, terminal);
  signPackageCommand(chaincode, terminal);
  listCommand(chaincode, terminal);
}
