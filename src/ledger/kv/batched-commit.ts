import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KvStore, KvWrite } from './kv-store.ts';

/** Bytes of keys and values, and number of writes, that one commit takes. */
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_WRITES = 16_384;
/** So many are gathered between two turns of the event loop. */
const WRITES_PER_TURN = 1_024;

/**
 * Gathers writes into one commit, which waits for the disk once, or into several where they are many: memory is bounded, and what a
 * crash leaves is a beginning of the list.
 */
export class BatchedCommit {
  readonly #kv: KvStore;
  #writes: KvWrite[] = [];
  #bytes = 0;
  #turn = 0;

  constructor(kv: KvStore) {
    this.#kv = kv;
  }

  /** Writes that belong to one commit. */
  async add(writes: readonly KvWrite[]): Promise<void> {
    for (const write of writes) {
      this.#writes.push(write);
      this.#bytes += write.key.length + (write.value?.length ?? 0);
    }
    this.#turn += writes.length;
    if (this.#turn >= WRITES_PER_TURN) {
      this.#turn = 0;
      await nextTurn();
    }
    if (this.#bytes >= MOST_BYTES || this.#writes.length >= MOST_WRITES) await this.end();
  }

  /** Commits what is gathered. */
  async end(): Promise<void> {
    const writes = this.#writes;
    this.#writes = [];
    this.#bytes = 0;
    if (writes.length > 0) await this.#kv.commit(writes);
  }
}
