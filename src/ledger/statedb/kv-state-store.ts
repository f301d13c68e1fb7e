import { setImmediate as nextTurn } from 'node:timers/promises';
import { concatBytes } from '../../common/bytes.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import type { Gauge, Histogram } from '../../common/metrics.ts';
import { batches } from '../commit/pace.ts';
import { answered } from '../kv/answer.ts';
import type { KvSnapshot, KvStore, KvWrite } from '../kv/kv-store.ts';
import { after } from '../kv/long-keys.ts';
import { stateScan } from './entry-scan.ts';
import type { QueryPlan } from './rich/query-plan.ts';
import type { RichState } from './rich-state.ts';
import {
  type Beside,
  type DocumentRules,
  noQueries,
  type QueryPage,
  type Savepoint,
  type StateIndexes,
  type StateIterator,
  type StateQuery,
  type StateSnapshot,
  type StateStore,
  type StateUpdate,
  type StateValue,
} from './state.ts';
import { stateKey, statePrefix } from './state-key.ts';
import { decodeStateValue, encodeStateValue } from './state-value.ts';

const SAVEPOINT: Uint8Array = Buffer.from('sp', 'utf8');

/** A snapshot pins what later commits replace, so its age is worth watching. */
export interface SnapshotMetrics {
  readonly open: Gauge;
  readonly seconds: Histogram;
}

/** State in a key-value store that it may share with others: its keys begin with `s`. */
export class KvStateStore implements StateStore {
  readonly #kv: KvStore;
  readonly #metrics: SnapshotMetrics | undefined;
  readonly #rich: RichState | undefined;

  /**
   * @param kv stays the caller's
   * @param parts.rich absent for a store that refuses rich queries; owned from here on
   */
  constructor(kv: KvStore, { metrics, rich }: { readonly metrics?: SnapshotMetrics; readonly rich?: RichState | undefined } = {}) {
    this.#kv = kv;
    this.#metrics = metrics;
    this.#rich = rich;
  }

  get indexes(): StateIndexes | undefined {
    return this.#rich?.indexes;
  }

  snapshot(): StateSnapshot {
    return new KvStateSnapshot(this.#kv.snapshot(), this.#metrics, this.#rich);
  }

  async commit(updates: readonly StateUpdate[], savepoint: Savepoint, beside?: Beside): Promise<void> {
    const indexes = this.#rich?.indexes;
    if (indexes === undefined) return this.#commit(await writesOf(updates, savepoint), beside);
    await indexes.commit(updates, async (rows) => this.#commit([...(await writesOf(updates, savepoint)), ...rows], beside));
  }

  async #commit(writes: readonly KvWrite[], beside: Beside | undefined): Promise<void> {
    if (beside === undefined || beside.kv === this.#kv) return this.#kv.commit([...writes, ...(beside?.writes ?? [])]);
    await this.#kv.commit(writes);
    await beside.kv.commit(beside.writes);
  }

  /** What is being built of its indexes is left for the next time. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rich?.[Symbol.asyncDispose]();
  }
}

/** In turns of the event loop, since a block may change very many keys. */
async function writesOf(updates: readonly StateUpdate[], savepoint: Savepoint): Promise<KvWrite[]> {
  const writes: KvWrite[] = [{ key: SAVEPOINT, value: encodeStateValue({ value: new Uint8Array(0), version: savepoint }) }];
  for (const batch of batches(updates)) {
    for (const { namespace, key, value } of batch) writes.push({ key: stateKey(namespace, key), value: value && encodeStateValue(value) });
    await nextTurn();
  }
  return writes;
}

class KvStateSnapshot implements StateSnapshot {
  readonly #kv: KvSnapshot;
  readonly #rich: RichState | undefined;
  #metrics: SnapshotMetrics | undefined;
  readonly #since = performance.now();

  constructor(kv: KvSnapshot, metrics: SnapshotMetrics | undefined, rich: RichState | undefined) {
    this.#kv = kv;
    this.#rich = rich;
    this.#metrics = metrics;
    metrics?.open.add(1);
  }

  get savepoint(): Savepoint | undefined {
    return decoded(this.#kv.get(SAVEPOINT))?.version;
  }

  get(namespace: string, key: string): StateValue | undefined {
    return decoded(this.#kv.get(stateKey(namespace, key)));
  }

  getMany(namespace: string, keys: readonly string[]): MaybePromise<readonly (StateValue | undefined)[]> {
    return answered(this.#kv.getMany(keys.map((key) => stateKey(namespace, key))), (values) => values.map(decoded));
  }

  range(namespace: string, start: string, end: string): StateIterator {
    const prefix = statePrefix(namespace);
    const lt = end === '' ? after(prefix) : concatBytes(prefix, Buffer.from(end, 'utf8'));
    return stateScan(this.#kv.range({ gte: concatBytes(prefix, Buffer.from(start, 'utf8')), lt }), prefix);
  }

  get documents(): DocumentRules | undefined {
    return this.#rich?.documents;
  }

  query(namespace: string, query: string, page?: QueryPage): StateQuery {
    if (this.#rich === undefined) throw noQueries(page);
    return this.#rich.query(this.#kv, { namespace, query, page });
  }

  explain(namespace: string, query: string): Promise<QueryPlan> {
    if (this.#rich === undefined) throw noQueries(undefined);
    return this.#rich.explain(this.#kv, namespace, query);
  }

  [Symbol.dispose](): void {
    this.#kv[Symbol.dispose]();
    this.#metrics?.open.add(-1);
    this.#metrics?.seconds.observe((performance.now() - this.#since) / 1000);
    this.#metrics = undefined;
  }
}

const decoded = (bytes: Uint8Array | undefined): StateValue | undefined => bytes && decodeStateValue(bytes);
