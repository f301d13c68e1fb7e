/** Commands that explain a ledger: what they take. What they do is loaded when one of them runs. */
import { type Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../../common/clock.ts';
import { integerFlag, withPeers } from '../flags.ts';
import { parseGoDuration } from '../go-values.ts';
import { CONFLICTS_HELP, DIFF_HELP, IDENTITY_HELP, WHY_HELP } from '../help.ts';
import type { Terminal } from '../terminal.ts';
import type { ConflictsFlags, DiffFlags, ExplainFlags } from './explain-flags.ts';

const MOST_BLOCKS = 100_000;
const NEWEST_BLOCKS = 1_000;

export function explainCommands(program: Command, terminal: Terminal): void {
  onChannel(program.command('why <txid>'))
    .description('Why a transaction is invalid, and who came before it; with any peer of any Fabric network.')
    .option('--blocks <n>', 'most blocks to read for it', count, MOST_BLOCKS)
    .addHelpText('after', WHY_HELP)
    .addHelpText('after', IDENTITY_HELP)
    .action(async (txId: string, flags: ExplainFlags) => (await import('./why.ts')).why(txId, flags, terminal));
  onChannel(program.command('conflicts'))
    .description('Sum up the conflicts of a channel: hot keys, who loses them to whom, and what would help.')
    .addOption(integerFlag('--from <block>', 'the first block (default: the newest 1000)', 'uint'))
    .addOption(integerFlag('--to <block>', 'the last block (default: the newest)', 'uint'))
    .option('--since <time>', 'only blocks of the last while, such as 10m, or since a time such as 2026-11-30T08:00Z', moment)
    .option('--blocks <n>', 'so many of the newest blocks', count, NEWEST_BLOCKS)
    .addHelpText('after', CONFLICTS_HELP)
    .addHelpText('after', IDENTITY_HELP)
    .action(async (flags: ConflictsFlags) => (await import('./conflicts.ts')).conflicts(flags, terminal));
  withPeers(program.command('diff [first] [second]'))
    .description('Where proposal responses differ: two in files, or those of endorsers that are asked one call. Exit code 1 when they do.')
    .option('-C, --channelID <channel>', 'the channel of the call', '')
    .option('-n, --name <name>', 'name of the chaincode', '')
    .option('-c, --ctor <json>', 'function and arguments in JSON', '{}')
    .option('--transient <json>', 'transient map in JSON, values in base64')
    .option('--json', 'print one JSON object for each answer that is compared, for programs')
    .addHelpText('after', DIFF_HELP)
    .addHelpText('after', IDENTITY_HELP)
    .action(async (first: string | undefined, second: string | undefined, flags: DiffFlags) => {
      await (await import('./diff.ts')).diff(
        [first, second].filter((file) => file !== undefined),
        flags,
        terminal,
      );
    });
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

/** A while before now, or a time. */
function moment(value: string): Date {
  const duration = parseGoDuration(value);
  const at = 'ms' in duration ? new Date(systemClock.now().getTime() - duration.ms) : new Date(value);
  if (!Number.isNaN(at.getTime())) return at;
  throw new InvalidArgumentError('It must be a while, such as 90s or 2h, or a time, such as 2026-11-30T08:00Z.');
}
