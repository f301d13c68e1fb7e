import type { KvSnapshot, KvWrite } from '../../src/ledger/kv/kv-store.ts';
import { MemoryStore } from '../../src/ledger/kv/memory-store.ts';

/** Counts commits: on a disk each waits for a sync. */
export class CountedStore extends MemoryStore {
  commits = 0;
  /** Called before each read; may throw. */
  reading: () => void = () => undefined;

  override async commit(writes: readonly KvWrite[]): Promise<void> {
    this.commits += 1;
    await super.commit(writes);
  }

  override snapshot(): KvSnapshot {
    const snapshot = super.snapshot();
    return {
      get: (key) => {
        this.reading();
        return snapshot.get(key);
      },
      getMany: (keys) => {
        this.reading();
        return snapshot.getMany(keys);
      },
      range: (range) => {
        this.reading();
        return snapshot.range(range);
      },
      [Symbol.dispose]: () => snapshot[Symbol.dispose](),
    };
  }
}
