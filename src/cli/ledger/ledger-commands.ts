import type { Command } from 'commander';
import { expectOperands } from '../operands.ts';
import type { Terminal } from '../terminal.ts';
import type { VerifyFlags } from './ledger-flags.ts';

/** `ledger verify`: whether what a peer keeps on its disk is what it committed. */
export function ledgerCommands(program: Command, terminal: Terminal): void {
  const ledger = program.command('ledger').description("A stopped peer's ledgers: verify.");
  ledger
    .command('verify')
    .description('Check the blocks of a stopped peer, their chain, their signatures and their index. Exit code 1 when anything is wrong.')
    .option('-C, --channelID <channel>', 'only this channel (default: all)')
    .option('--path <folder>', "the peer's folder (default: peer.fileSystemPath of core.yaml)")
    .option('--state', 'compare state, history and private data with what the blocks give, too; this takes as long as a replay')
    .action(async (flags: VerifyFlags, { args }: Command) => {
      expectOperands({ args }, { most: 0 }, 'trailing args detected');
      await (await import('./verify.ts')).verify(flags, terminal);
    });
}
