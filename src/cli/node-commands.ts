import type { Command } from 'commander';
import { NODE_HELP } from './help.ts';
import { expectOperands } from './operands.ts';
import type { Terminal } from './terminal.ts';

export interface NodeFlags {
  readonly peerChaincodedev?: boolean;
}

/** `node start`: a peer from core.yaml and CORE_ variables, until it is told to stop. */
export function nodeCommands(program: Command, terminal: Terminal): void {
  const node = program.command('node').description('Operate a peer node: start.').addHelpText('afterAll', NODE_HELP);
  node
    .command('start')
    .description('Start a node that interacts with the network.')
    .option('--peer-chaincodedev', 'start the peer in chaincode development mode: you start the chaincode yourself')
    .option('-o, --orderer <host:port>', 'accepted for compatibility; the channel configuration names the orderers')
    .action(async (flags: NodeFlags, { args }: Command) => {
      expectOperands({ args }, { most: 0 }, 'trailing args detected');
      await (await import('./node-start.ts')).startNode(flags, terminal);
    });
}
