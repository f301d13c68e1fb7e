import { SelvageError } from '../common/errors.ts';
import type { common } from '../protos/messages.ts';
import type { BlockSpan, ExplainedBlocks } from './explained-blocks.ts';
import type { KeyTouch, Touches } from './touches.ts';

/** How far and for whom blocks are read. */
export interface Looking {
  readonly signal: AbortSignal;
  /** Most blocks that are read for one answer. */
  readonly most: number;
  /** Told now and then which block was reached and which one may be the last. */
  readonly progress?: ((reached: bigint, lowest: bigint) => void) | undefined;
}

/** How a look back ended: at its lowest block or with an answer, because enough were read, or because there are no older ones. */
export type LookedBack = 'done' | 'limit' | 'absent';

const FIRST_WINDOW = 8n;
const LARGEST_WINDOW = 128n;

export interface Stretch {
  /** Where to begin, downwards. */
  readonly from: bigint;
  /** The lowest block that can matter. */
  readonly lowest: bigint;
  /** Asked between two windows, whether that is enough. @param read blocks so far */
  readonly enough: (read: bigint) => boolean | Promise<boolean>;
}

/**
 * Reads blocks from newer to older, in windows that grow: peers deliver blocks forwards only. Within a window they are read as they come
 * and taken in at its end: what is in memory are the touches of one window that are asked for, not its blocks.
 */
export async function lookBack(
  blocks: ExplainedBlocks,
  touches: Touches,
  { from, lowest, enough }: Stretch,
  { most, progress, signal }: Looking,
): Promise<LookedBack> {
  let last = from;
  let size = FIRST_WINDOW;
  for (let read = 0n; last >= lowest && !(await enough(read)); ) {
    const left = BigInt(most) - read;
    if (left <= 0n) return 'limit';
    const count = [size, left, last - lowest + 1n].reduce((least, each) => (each < least ? each : least));
    const span = { first: last - count + 1n, last };
    const found = await windowOf(blocks, touches, span, signal);
    if (found === undefined && count === 1n) return 'absent';
    size = found === undefined ? count / 2n : size * 2n > LARGEST_WINDOW ? LARGEST_WINDOW : size * 2n;
    if (found === undefined) continue;
    for (const each of found.toReversed()) touches.add(each);
    read += count;
    progress?.(span.first, lowest);
    last = span.first - 1n;
  }
  return 'done';
}

/** Undefined where the first block of the span is not there. */
async function windowOf(
  blocks: ExplainedBlocks,
  touches: Touches,
  span: BlockSpan,
  signal: AbortSignal,
): Promise<(readonly KeyTouch[])[] | undefined> {
  const found: (readonly KeyTouch[])[] = [];
  try {
    for await (const block of blocks.blocks(span, { signal })) found.push(touches.among(block));
    return found;
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'NOT_FOUND') return undefined;
    throw thrown;
  }
}

/** One block. @throws {SelvageError} `NOT_FOUND` */
export async function blockAt(blocks: ExplainedBlocks, number: bigint, signal: AbortSignal): Promise<common.Block> {
  for await (const block of blocks.blocks({ first: number, last: number }, { signal })) return block;
  throw new SelvageError('NOT_FOUND', `block ${number} of channel ${blocks.channelId} is not there`);
}
