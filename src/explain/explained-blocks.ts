import type { Cancellable } from '../common/cancel.ts';
import type { common } from '../protos/messages.ts';

/** From block to block, both of them included; none where the first is the higher one. */
export interface BlockSpan {
  readonly first: bigint;
  readonly last: bigint;
}

/** The blocks of one channel, wherever they are: on a disk here, or with any peer of any Fabric network. */
export interface ExplainedBlocks {
  readonly channelId: string;
  /** Number of blocks; the next has this number. */
  height(options: Cancellable): Promise<bigint>;
  /**
   * The span in order, each with the codes that the peer gave its transactions.
   * @throws {SelvageError} `NOT_FOUND` where the peer does not have the first of them, as one that joined by a snapshot
   */
  blocks(span: BlockSpan, options: Cancellable): AsyncIterable<common.Block>;
  /** Number of the block of a transaction: of the first one, where several have the id. Undefined where none has it. */
  blockOf(txId: string, options: Cancellable): Promise<bigint | undefined>;
}
