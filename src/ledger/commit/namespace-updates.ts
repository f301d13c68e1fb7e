import { compareUtf8 } from '../../common/bytes.ts';
import type { StateValue } from '../statedb/state.ts';
import type { Version } from '../version.ts';

/** What an earlier transaction of the block made of a key. */
export interface PendingUpdate {
  /** Undefined: deleted. */
  readonly value: StateValue | undefined;
  /** Of the write or the delete. */
  readonly version: Version;
  readonly txId: string;
}

/** A key with its update. */
export interface PendingEntry extends PendingUpdate {
  readonly key: string;
}

/** So many new keys are put in their place one by one; more are sorted in, for each place costs a move of all that follow. */
const FEW = 32;

/** Updates of one state namespace so far. Its keys are put in order when a range is first asked for, and kept so. */
export class NamespaceUpdates {
  readonly #updates = new Map<string, PendingUpdate>();
  #sorted: string[] | undefined;
  /** Keys that are new since they were sorted. */
  #added: string[] = [];

  get size(): number {
    return this.#updates.size;
  }

  get(key: string): PendingUpdate | undefined {
    return this.#updates.get(key);
  }

  set(key: string, update: PendingUpdate): void {
    if (this.#sorted !== undefined && !this.#updates.has(key)) this.#added.push(key);
    this.#updates.set(key, update);
  }

  /** Every key in the order of its bytes. */
  keys(): readonly string[] {
    this.#sorted ??= sortKeys([...this.#updates.keys()]);
    if (this.#added.length > FEW) this.#sorted = sortKeys([...this.#sorted, ...this.#added]);
    else for (const key of this.#added) this.#sorted.splice(position(this.#sorted, key), 0, key);
    this.#added = [];
    return this.#sorted;
  }

  /** In key order; `start` inclusive, `end` exclusive, '' is open. */
  *range(start: string, end: string): Generator<PendingEntry, undefined> {
    const keys = this.keys();
    for (let at = position(keys, start); at < keys.length; at += 1) {
      const key = keys[at] ?? '';
      if (end !== '' && compareUtf8(key, end) >= 0) return;
      const update = this.#updates.get(key);
      if (update !== undefined) yield { key, ...update };
    }
  }
}

/** Units above all surrogates, and surrogates: where JavaScript's order of strings and that of UTF-8 differ. */
const UNLIKE_UTF8 = /[\ud800-\uffff]/;

const sortKeys = (keys: string[]): string[] => (keys.some((key) => UNLIKE_UTF8.test(key)) ? keys.sort(compareUtf8) : keys.sort());

/** Index of the first key that is not before `key`. */
function position(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareUtf8(sorted[middle] ?? '', key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
