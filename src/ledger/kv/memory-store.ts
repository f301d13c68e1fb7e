import { compareBytes, detach } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { KvEntry, KvIterator, KvRange, KvSnapshot, KvStore, KvWrite } from './kv-store.ts';

type Entries = readonly KvEntry[];

/** A store that forgets: for tests and development. A commit costs as much as there are keys. */
export class MemoryStore implements KvStore {
  #entries: Entries | undefined = [];

  snapshot(): KvSnapshot {
    return new MemorySnapshot(this.#open());
  }

  async commit(writes: readonly KvWrite[]): Promise<void> {
    this.#entries = merged(this.#open(), writes);
  }

  async flushed(): Promise<void> {}

  #open(): Entries {
    if (this.#entries === undefined) throw new SelvageError('LEDGER_UNAVAILABLE', 'the store is closed');
    return this.#entries;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#entries = undefined;
  }
}

class MemorySnapshot implements KvSnapshot {
  #entries: Entries | undefined;

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const entries = this.#open();
    const found = entries[firstFrom(entries, key)];
    return found !== undefined && compareBytes(found.key, key) === 0 ? detach(found.value) : undefined;
  }

  getMany(keys: readonly Uint8Array[]): readonly (Uint8Array | undefined)[] {
    return keys.map((key) => this.get(key));
  }

  range({ gte, lt, reverse = false }: KvRange): KvIterator {
    const entries = this.#open();
    let low = gte === undefined ? 0 : firstFrom(entries, gte);
    let high = lt === undefined ? entries.length : firstFrom(entries, lt);
    return {
      next: () => {
        this.#open();
        if (low >= high) return undefined;
        const entry = reverse ? entries[--high] : entries[low++];
        return entry && { key: detach(entry.key), value: detach(entry.value) };
      },
      [Symbol.dispose]: () => {
        low = high;
      },
    };
  }

  #open(): Entries {
    if (this.#entries === undefined) throw new SelvageError('LEDGER_UNAVAILABLE', 'the snapshot is closed');
    return this.#entries;
  }

  [Symbol.dispose](): void {
    this.#entries = undefined;
  }
}

/** Index of the first entry that is not before `key`. */
function firstFrom(entries: Entries, key: Uint8Array): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && compareBytes(entry.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function merged(entries: Entries, writes: readonly KvWrite[]): Entries {
  const sorted = writes.map((write, order) => ({ ...write, order })).sort((a, b) => compareBytes(a.key, b.key) || a.order - b.order);
  const result: KvEntry[] = [];
  let from = 0;
  for (const [at, { key, value }] of sorted.entries()) {
    const following = sorted[at + 1];
    if (following !== undefined && compareBytes(following.key, key) === 0) continue;
    const until = firstFrom(entries, key);
    for (; from < until; from += 1) push(result, entries[from]);
    const replaced = entries[until];
    if (replaced !== undefined && compareBytes(replaced.key, key) === 0) from = until + 1;
    if (value !== undefined) result.push({ key: detach(key), value: detach(value) });
  }
  for (; from < entries.length; from += 1) push(result, entries[from]);
  return result;
}

function push(result: KvEntry[], entry: KvEntry | undefined): void {
  if (entry !== undefined) result.push(entry);
}
