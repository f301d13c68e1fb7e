import { setImmediate as nextTurn } from 'node:timers/promises';
import { concatBytes } from '../../common/bytes.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import type { Gauge, Histogram } from '../../common/metrics.ts';
import { batches } from '../commit/pace.ts';
import { answered } from '../kv/answer.ts';
import type { KvIterator, KvSnapshot, KvStore, KvWrite } from '../kv/kv-store.ts';
import { after } from '../kv/long-keys.ts';
import {
  type Beside,
  noQueries,
  type QueryPage,
  type Savepoint,
  type StateEntry,
  type StateIterator,
  type StateSnapshot,
  type StateStore,
  type StateUpdate,
  type StateValue,
} from './state.ts';
import { decodeStateValue, encodeStateValue } from './state-value.ts';

const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');
/** Not a text decoder's work: that takes a byte order mark away. */
const keyText = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8');

const SAVEPOINT = utf8('sp');
/** A namespace never holds a zero byte, so its end cannot be taken for a key's beginning. */
const prefixOf = (namespace: string): Uint8Array => utf8(`sv${namespace}\0`);
const keyOf = (namespace: string, key: string): Uint8Array => utf8(`sv${namespace}\0${key}`);

/** A snapshot pins what later commits replace, so its age is worth watching. */
export interface SnapshotMetrics {
  readonly open: Gauge;
  readonly seconds: Histogram;
}

/** State in a key-value store that it may share with others: its keys begin with `s`. */
export class KvStateStore implements StateStore {
  readonly #kv: KvStore;
  readonly #metrics: SnapshotMetrics | undefined;

  /** @param kv stays the caller's */
  constructor(kv: KvStore, metrics?: SnapshotMetrics) {
    this.#kv = kv;
    this.#metrics = metrics;
  }

  snapshot(): StateSnapshot {
    return new KvStateSnapshot(this.#kv.snapshot(), this.#metrics);
  }

  async commit(updates: readonly StateUpdate[], savepoint: Savepoint, beside?: Beside): Promise<void> {
    const writes = await writesOf(updates, savepoint);
    if (beside === undefined || beside.kv === this.#kv) return this.#kv.commit([...writes, ...(beside?.writes ?? [])]);
    await this.#kv.commit(writes);
    await beside.kv.commit(beside.writes);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** In turns of the event loop, since a block may change very many keys. */
async function writesOf(updates: readonly StateUpdate[], savepoint: Savepoint): Promise<KvWrite[]> {
  const writes: KvWrite[] = [{ key: SAVEPOINT, value: encodeStateValue({ value: new Uint8Array(0), version: savepoint }) }];
  for (const batch of batches(updates)) {
    for (const { namespace, key, value } of batch) writes.push({ key: keyOf(namespace, key), value: value && encodeStateValue(value) });
    await nextTurn();
  }
  return writes;
}

class KvStateSnapshot implements StateSnapshot {
  readonly #kv: KvSnapshot;
  #metrics: SnapshotMetrics | undefined;
  readonly #since = performance.now();

  constructor(kv: KvSnapshot, metrics: SnapshotMetrics | undefined) {
    this.#kv = kv;
    this.#metrics = metrics;
    metrics?.open.add(1);
  }

  get savepoint(): Savepoint | undefined {
    return decoded(this.#kv.get(SAVEPOINT))?.version;
  }

  get(namespace: string, key: string): StateValue | undefined {
    return decoded(this.#kv.get(keyOf(namespace, key)));
  }

  getMany(namespace: string, keys: readonly string[]): MaybePromise<readonly (StateValue | undefined)[]> {
    return answered(this.#kv.getMany(keys.map((key) => keyOf(namespace, key))), (values) => values.map(decoded));
  }

  range(namespace: string, start: string, end: string): StateIterator {
    const prefix = prefixOf(namespace);
    const lt = end === '' ? after(prefix) : concatBytes(prefix, utf8(end));
    return new KvStateIterator(this.#kv.range({ gte: concatBytes(prefix, utf8(start)), lt }), prefix.length);
  }

  query(_namespace: string, _query: string, page?: QueryPage): never {
    throw noQueries(page);
  }

  [Symbol.dispose](): void {
    this.#kv[Symbol.dispose]();
    this.#metrics?.open.add(-1);
    this.#metrics?.seconds.observe((performance.now() - this.#since) / 1000);
    this.#metrics = undefined;
  }
}

const decoded = (bytes: Uint8Array | undefined): StateValue | undefined => bytes && decodeStateValue(bytes);

class KvStateIterator implements StateIterator {
  readonly #entries: KvIterator;
  readonly #prefix: number;

  constructor(entries: KvIterator, prefix: number) {
    this.#entries = entries;
    this.#prefix = prefix;
  }

  next(): MaybePromise<StateEntry | undefined> {
    return answered(
      this.#entries.next(),
      (entry) => entry && { key: keyText(entry.key.subarray(this.#prefix)), ...decodeStateValue(entry.value) },
    );
  }

  [Symbol.dispose](): void {
    this.#entries[Symbol.dispose]();
  }
}
