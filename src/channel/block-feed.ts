import type { MaybePromise } from '../common/maybe.ts';
import { BlockWaiters } from '../ledger/blockstore/block-waiters.ts';
import type { BlockReader, InvalidReason } from '../ledger/ledger.ts';
import { CommittedBlock } from './committed-block.ts';

export interface BlockFeedParts {
  readonly channelId: string;
  readonly blocks: Pick<BlockReader, 'info' | 'block'>;
  /** Bytes of the blocks that stay in memory, those read last; the newest always does. Encoded forms come on top, once each. 16 MiB by default. */
  readonly keptBytes?: number | undefined;
}

/** A block at the moment that it is committed. */
export interface Announcement {
  readonly block: CommittedBlock;
  /** Why transactions of it are invalid, as far as this peer found that itself. */
  readonly reasons: readonly InvalidReason[];
}

const KEPT_BYTES = 16 * 1024 * 1024;

/**
 * The committed blocks of one channel, for all who follow them: each holds a number and asks for the next. Those who keep up share one
 * object per block, and those who do not read it from the disk again. Nobody here can make the committer wait.
 */
export class BlockFeed {
  readonly #parts: BlockFeedParts;
  readonly #waiters: BlockWaiters;
  readonly #listeners = new Set<(announcement: Announcement) => void>();
  /** In the order of their last use. */
  readonly #kept = new Map<bigint, CommittedBlock>();
  readonly #reading = new Map<bigint, Promise<CommittedBlock | undefined>>();
  #keptBytes = 0;
  #height: bigint;

  /** Begins at the height of the ledger. */
  constructor(parts: BlockFeedParts) {
    this.#parts = parts;
    this.#height = parts.blocks.info().height;
    this.#waiters = new BlockWaiters(this.#height);
  }

  /** Number of blocks that were announced; the next has this number. */
  get height(): bigint {
    return this.#height;
  }

  /** Undefined for a block that was not announced. */
  at(number: bigint): MaybePromise<CommittedBlock | undefined> {
    if (number < 0n || number >= this.#height) return undefined;
    const kept = this.#kept.get(number);
    if (kept === undefined) return this.#read(number);
    this.#keep(kept);
    return kept;
  }

  /** Resolves when block `number` is there. Rejects with the signal's reason, or when the channel is closed. */
  waitFor(number: bigint, signal: AbortSignal): Promise<void> {
    return this.#waiters.waitFor(number, signal);
  }

  /** Calls `listener` with every block from the next one on, until the result is disposed. It must not throw. */
  listen(listener: (announcement: Announcement) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** For the committer alone: what the block changed is in force. */
  announce(announcement: Announcement): void {
    this.#height = announcement.block.number + 1n;
    this.#keep(announcement.block);
    for (const listener of this.#listeners) listener(announcement);
    this.#waiters.reached(this.#height);
  }

  /** Nobody waits any more. */
  close(reason: unknown): void {
    this.#waiters.close(reason);
  }

  #read(number: bigint): Promise<CommittedBlock | undefined> {
    const reading = this.#reading.get(number) ?? this.#fromDisk(number);
    this.#reading.set(number, reading);
    return reading;
  }

  async #fromDisk(number: bigint): Promise<CommittedBlock | undefined> {
    try {
      const block = await this.#parts.blocks.block(number);
      const found = block && new CommittedBlock(this.#parts.channelId, block);
      if (found !== undefined) this.#keep(found);
      return found;
    } finally {
      this.#reading.delete(number);
    }
  }

  /** Moves a block to the end and drops from the beginning what is too much, but not the newest: most who follow still want it. */
  #keep(block: CommittedBlock): void {
    if (this.#kept.delete(block.number)) this.#keptBytes -= block.size;
    this.#kept.set(block.number, block);
    this.#keptBytes += block.size;
    for (const oldest of this.#kept.values()) {
      if (this.#keptBytes <= (this.#parts.keptBytes ?? KEPT_BYTES)) return;
      if (oldest.number === this.#height - 1n) continue;
      this.#kept.delete(oldest.number);
      this.#keptBytes -= oldest.size;
    }
  }
}
