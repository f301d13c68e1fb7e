import type { MaybePromise } from '../common/maybe.ts';
import type { common } from '../protos/messages.ts';

/** Blocks of one channel for who wants to be sent them. */
export interface OrderedBlocks {
  /** Number of blocks; the next one has this number. */
  height(): bigint;
  block(number: bigint): MaybePromise<common.Block | undefined>;
  /** Resolves when block `number` can be read. Rejects with the signal's reason. */
  waitFor(number: bigint, signal: AbortSignal): Promise<void>;
}

/** Where the orderer keeps the blocks of one channel. One writer. */
export interface OrdererBlocks extends OrderedBlocks, AsyncDisposable {
  /** Resolves when the block survives a crash. The block must have the number {@link height} says. */
  append(block: common.Block): Promise<void>;
}
