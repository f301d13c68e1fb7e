import type { Cancellable } from '../common/cancel.ts';
import { common } from '../protos/messages.ts';
import type { BlockSpan, ExplainedBlocks } from './explained-blocks.ts';
import { blockAt } from './look-back.ts';

/**
 * The first block of a span whose transactions were proposed at or after a moment, found by halving. Blocks have no time of their own, so
 * clients' clocks decide; one more than the last where none is.
 */
export async function firstSince(
  moment: Date,
  blocks: ExplainedBlocks,
  { span: { first, last }, signal }: Cancellable & { readonly span: BlockSpan },
): Promise<bigint> {
  let [low, high] = [first, last + 1n];
  while (low < high) {
    const middle = (low + high) / 2n;
    if (newestTime(await blockAt(blocks, middle, signal)) < moment.getTime()) low = middle + 1n;
    else high = middle;
  }
  return low;
}

/** Milliseconds since 1970 of the transaction that was proposed last. */
function newestTime({ data }: common.Block): number {
  let newest = 0;
  for (const envelope of data?.data ?? []) {
    try {
      const { header } = common.Payload.decode(common.Envelope.decode(envelope).payload);
      const { timestamp } = common.ChannelHeader.decode(header?.channelHeader ?? new Uint8Array(0));
      if (timestamp !== undefined) newest = Math.max(newest, Number(timestamp.seconds) * 1_000 + timestamp.nanos / 1e6);
    } catch {
      // what cannot be read has no time
    }
  }
  return newest;
}
