import { SelvageError } from '../../common/errors.ts';
import type { BlockSpan, ExplainedBlocks } from '../../explain/explained-blocks.ts';
import { firstSince } from '../../explain/first-since.ts';
import { summarize } from '../../explain/summarize.ts';
import { summaryLines } from '../../explain/summary-lines.ts';
import { Connections } from '../connections.ts';
import type { Terminal } from '../terminal.ts';
import { askedChannel } from './asked-channel.ts';
import type { ConflictsFlags } from './explain-flags.ts';
import { jsonLine } from './json-line.ts';

const TOLD_EVERY = 5_000n;

/** Sums up what lost to what on a channel. */
export async function conflicts(flags: ConflictsFlags, terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const blocks = await askedChannel(flags, connections, terminal);
  const span = await spanOf(flags, blocks, terminal);
  const progress = (block: bigint): void => {
    if (block > span.first && (block - span.first) % TOLD_EVERY === 0n) terminal.say(`Reading blocks: at ${block} of ${span.last}.`);
  };
  const summary = await summarize(blocks, span, { signal: terminal.signal, progress });
  if (flags.json) terminal.out(jsonLine(summary));
  else for (const line of summaryLines(summary)) terminal.out(line);
}

async function spanOf(
  { from, to, since, blocks: most }: ConflictsFlags,
  blocks: ExplainedBlocks,
  { signal }: Terminal,
): Promise<BlockSpan> {
  const height = await blocks.height({ signal });
  const last = to === undefined || to >= height ? height - 1n : to;
  const newest = last - BigInt(most) + 1n;
  const first = since === undefined ? (from ?? newest) : await firstSince(since, blocks, { span: { first: from ?? 0n, last }, signal });
  if (first > last && since !== undefined)
    throw new SelvageError('NOT_FOUND', `no transaction of channel ${blocks.channelId} was proposed since ${since.toISOString()}`, {
      advice: 'Begin earlier with --since, or name blocks with --from and --to.',
    });
  if (first > last)
    throw new SelvageError('SETTING_INVALID', `there is no block from ${first} to ${last}`, {
      advice: `Channel ${blocks.channelId} has the blocks 0 to ${height - 1n}.`,
    });
  return { first: first < 0n ? 0n : first, last };
}
