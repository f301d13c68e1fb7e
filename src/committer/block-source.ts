import type { common } from '../protos/messages.ts';

/** Where a channel's blocks come from: a deliver client of an ordering service, or the development orderer. */
export interface BlockSource {
  /**
   * Blocks from number `from` on, in order and without gaps, waiting for those that do not exist yet.
   * Ends or throws when the source is lost: the caller comes back with another `from`. Ends when the signal aborts.
   */
  blocks(from: bigint, signal: AbortSignal): AsyncIterable<common.Block>;
}
