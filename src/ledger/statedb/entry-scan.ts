import type { MaybePromise } from '../../common/maybe.ts';
import { answered } from '../kv/answer.ts';
import type { KvEntry, KvIterator } from '../kv/kv-store.ts';
import type { StateEntry, StateIterator } from './state.ts';
import { keyOfState } from './state-key.ts';
import { decodeStateValue } from './state-value.ts';

/** States, one for each entry of a range of the key-value store. The range is disposed with it. */
export class EntryScan implements StateIterator {
  readonly #entries: KvIterator;
  readonly #read: (entry: KvEntry) => StateEntry;

  constructor(entries: KvIterator, read: (entry: KvEntry) => StateEntry) {
    this.#entries = entries;
    this.#read = read;
  }

  next(): MaybePromise<StateEntry | undefined> {
    return answered(this.#entries.next(), (entry) => entry && this.#read(entry));
  }

  [Symbol.dispose](): void {
    this.#entries[Symbol.dispose]();
  }
}

/** The states that a range of their own entries holds. @param prefix of their namespace */
export const stateScan = (entries: KvIterator, prefix: Uint8Array): EntryScan =>
  new EntryScan(entries, ({ key, value }) => ({ key: keyOfState(key, prefix), ...decodeStateValue(value) }));
