/** Commands that explain a ledger: what they take. What they do is loaded when one of them runs. */
import { type Command, InvalidArgumentError } from 'commander';
import { withPeers } from '../flags.ts';
import { IDENTITY_HELP, WHY_HELP } from '../help.ts';
import type { Terminal } from '../terminal.ts';
import type { ExplainFlags } from './explain-flags.ts';

const MOST_BLOCKS = 100_000;

export function explainCommands(program: Command, terminal: Terminal): void {
  onChannel(program.command('why <txid>'))
    .description('Why a transaction is invalid, and who came before it; with any peer of any Fabric network.')
    .option('--blocks <n>', 'most blocks to read for it', count, MOST_BLOCKS)
    .addHelpText('after', WHY_HELP)
    .addHelpText('after', IDENTITY_HELP)
    .action(async (txId: string, flags: ExplainFlags) => (await import('./why.ts')).why(txId, flags, terminal));
}

const onChannel = (command: Command): Command =>
  withPeers(command.option('-C, --channelID <channel>', 'the channel (default: the only one that the peer has joined)', ''))
    .option('--targetPeer <name>', 'peer of the connection profile to ask')
    .option('--json', 'print one JSON object, for programs');

function count(value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}
