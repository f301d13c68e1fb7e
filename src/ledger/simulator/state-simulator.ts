import { SelvageError } from '../../common/errors.ts';
import { allKnown, type MaybePromise, whenKnown } from '../../common/maybe.ts';
import { Scope } from '../../common/scope.ts';
import type { queryresult } from '../../protos/messages.ts';
import type { QueryPage, StateEntry, StateSnapshot, StateValue } from '../statedb/state.ts';
import { InFlight } from './in-flight.ts';
import { decodeMetadata } from './metadata.ts';
import { privateNamespace } from './private-namespaces.ts';
import { type PrivateKey, readHash, readPlain } from './private-reads.ts';
import { RecordedRange } from './recorded-range.ts';
import { Results } from './results.ts';
import { RwsetBuilder } from './rwset-builder.ts';
import { SimulationRules } from './simulation-rules.ts';
import type { HistoryReader, SimulatorParts } from './simulator-parts.ts';
import type { CollectionName, ResultsIterator, SimulationResult, TxSimulator, WrittenKey } from './tx-simulator.ts';

const RELEASED: Promise<void> = Promise.resolve();

type Metadata = ReadonlyMap<string, Uint8Array>;
type Bookmarked<T> = ResultsIterator<T> & { bookmark(): MaybePromise<string> };

/** A simulation on one state snapshot: answers from it and records what was asked and what is to be written. */
export class StateSimulator implements TxSimulator {
  readonly channelId: string;
  readonly txId: string;
  readonly #snapshot: StateSnapshot;
  readonly #history: HistoryReader | undefined;
  readonly #totalQueryLimit: number;
  readonly #rwset = new RwsetBuilder();
  /** In the order they were opened, which is their order in the read-write set. */
  readonly #ranges: { readonly namespace: string; readonly range: RecordedRange }[] = [];
  /** Collections of which values were read, by both their names. */
  readonly #privateReads = new Map<string, CollectionName>();
  readonly #running = new InFlight();
  /** Made with the first query: most transactions have none. */
  #queries: Scope | undefined;
  readonly #may: SimulationRules;
  #released: Promise<void> | undefined;

  constructor({ channelId, txId, snapshot, history, options }: SimulatorParts) {
    this.channelId = channelId;
    this.txId = txId;
    this.#snapshot = snapshot;
    this.#history = history;
    this.#totalQueryLimit = options?.totalQueryLimit ?? Number.POSITIVE_INFINITY;
    this.#may = new SimulationRules(txId, snapshot.documents);
  }

  getState(namespace: string, key: string): MaybePromise<Uint8Array | undefined> {
    return whenKnown(this.#read(namespace, key), (found) => found?.value);
  }

  getStateMultiple(namespace: string, keys: readonly string[]): MaybePromise<readonly (Uint8Array | undefined)[]> {
    this.#may.beforeRead();
    for (const key of keys) this.#may.beforeGet(key);
    return this.#known(this.#snapshot.getMany(namespace, keys), (found) =>
      keys.map((key, at) => {
        this.#rwset.addRead(namespace, key, found[at]?.version);
        return found[at]?.value;
      }),
    );
  }

  putState(namespace: string, key: string, value: Uint8Array): void {
    this.#may.beforeWrite(key, value);
    this.#rwset.addWrite(namespace, key, value);
  }

  deleteState(namespace: string, key: string): void {
    this.#may.beforeWrite(key);
    this.#rwset.addWrite(namespace, key, undefined);
  }

  getStateMetadata(namespace: string, key: string): MaybePromise<Metadata> {
    return whenKnown(this.#read(namespace, key), (found) => decodeMetadata(found?.metadata));
  }

  setStateMetadata(namespace: string, key: string, entries: Metadata): void {
    this.#may.beforeWrite(key);
    this.#rwset.addMetadataWrite(namespace, key, entries);
  }

  getStateRange(namespace: string, start: string, end: string, page?: { readonly size: number }): Bookmarked<queryresult.KV> {
    this.#may.beforeKey(start);
    this.#may.beforeKey(end);
    if (page !== undefined) this.#may.beforePaginatedQuery();
    const range = new RecordedRange({ namespace, start, end, cursor: this.#snapshot.range(namespace, start, end) });
    this.#ranges.push({ namespace, range });
    const limit = page === undefined || page.size <= 0 ? this.#totalQueryLimit : Math.min(page.size, this.#totalQueryLimit);
    const results = this.#keep(
      new Results({
        next: () => whenKnown(range.next(), (entry) => entry && { ...entry, value: this.#inRange(entry.value) }),
        close: () => range[Symbol.dispose](),
        limit,
        check: this.#may.beforeRead,
        running: this.#running,
      }),
    );
    return {
      next: () => results.next(),
      bookmark: () => results.asking(() => range.bookmark()),
      [Symbol.asyncDispose]: () => results[Symbol.asyncDispose](),
    };
  }

  query(namespace: string, query: string, page?: QueryPage): Bookmarked<queryresult.KV> {
    if (page !== undefined) this.#may.beforePaginatedQuery();
    this.#may.beforeRead();
    const cursor = this.#snapshot.query(namespace, query, page);
    const read = ({ key, value, version }: StateEntry): queryresult.KV => {
      this.#rwset.addRead(namespace, key, version);
      return { namespace, key, value };
    };
    const results = this.#results({
      next: () => whenKnown(cursor.next(), (entry) => entry && read(entry)),
      close: () => cursor[Symbol.dispose](),
    });
    return {
      next: () => results.next(),
      bookmark: () => results.asking(() => cursor.bookmark()),
      [Symbol.asyncDispose]: () => results[Symbol.asyncDispose](),
    };
  }

  history(namespace: string, key: string): ResultsIterator<queryresult.KeyModification> {
    this.#may.beforeKey(key);
    if (this.#history === undefined) {
      throw new SelvageError('SIMULATION_FAILED', 'History tracking not enabled - historyDatabase is false');
    }
    const found = this.#history(namespace, key);
    return this.#results({ next: () => found.next(), close: () => found[Symbol.asyncDispose]() });
  }

  getPrivateData(namespace: string, collection: string, key: string): MaybePromise<Uint8Array | undefined> {
    this.#may.beforeGet(key);
    return this.#hashedRead({ namespace, collection, key }, readPlain, (found) => {
      this.#privateReads.set(`${namespace}\0${collection}`, { namespace, collection });
      return found?.value;
    });
  }

  getPrivateDataHash(namespace: string, collection: string, key: string): MaybePromise<Uint8Array | undefined> {
    this.#may.beforeKey(key);
    return this.#hashedRead({ namespace, collection, key }, readHash, (found) => found?.value);
  }

  putPrivateData(namespace: string, collection: string, key: string, value: Uint8Array): void {
    this.#may.beforeWrite(key, value);
    this.#rwset.addPrivateWrite(namespace, collection, key, value);
  }

  deletePrivateData(namespace: string, collection: string, key: string): void {
    this.#may.beforeWrite(key);
    this.#rwset.addPrivateWrite(namespace, collection, key, undefined);
  }

  purgePrivateData(namespace: string, collection: string, key: string): void {
    this.#may.beforeWrite(key);
    this.#rwset.addPrivatePurge(namespace, collection, key);
  }

  getPrivateDataMetadata(namespace: string, collection: string, key: string): MaybePromise<Metadata> {
    this.#may.beforeKey(key);
    return this.#hashedRead({ namespace, collection, key }, readHash, (found) => decodeMetadata(found?.metadata));
  }

  setPrivateDataMetadata(namespace: string, collection: string, key: string, entries: Metadata): void {
    this.#may.beforeWrite(key);
    this.#rwset.addPrivateMetadataWrite(namespace, collection, key, entries);
  }

  getPrivateDataRange(namespace: string, collection: string, start: string, end: string): ResultsIterator<queryresult.KV> {
    this.#may.beforePrivateQuery();
    const cursor = this.#snapshot.range(privateNamespace(namespace, collection), start, end);
    const next = () =>
      whenKnown(cursor.next(), (entry) =>
        entry === undefined ? undefined : { namespace, key: entry.key, value: this.#inRange(entry.value) },
      );
    return this.#results({ next, close: () => cursor[Symbol.dispose]() });
  }

  getPrivateDataQuery(namespace: string, collection: string, query: string): ResultsIterator<queryresult.KV> {
    this.#may.beforePrivateQuery();
    const cursor = this.#snapshot.query(privateNamespace(namespace, collection), query);
    const next = () => whenKnown(cursor.next(), (entry) => entry && { namespace, key: entry.key, value: entry.value });
    return this.#results({ next, close: () => cursor[Symbol.dispose]() });
  }

  result(): MaybePromise<SimulationResult> {
    this.#may.beforeRead();
    this.#may.end();
    return this.#isAtHand ? this.#resultNow() : this.#resultInTime();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#may.end();
    if (this.#isAtHand) this.#closeNow();
    return this.#released ?? this.#release();
  }

  /** Nothing runs and no query was made: there is nothing to wait for. */
  get #isAtHand(): boolean {
    return this.#running.none && this.#queries === undefined && this.#released === undefined;
  }

  #resultNow(): MaybePromise<SimulationResult> {
    let recorded: MaybePromise<SimulationResult> | undefined;
    try {
      recorded = this.#recorded();
      return recorded instanceof Promise ? recorded.finally(() => this.#closeNow()) : recorded;
    } finally {
      if (!(recorded instanceof Promise)) this.#closeNow();
    }
  }

  #closeNow(): void {
    if (this.#released !== undefined) return;
    this.#released = RELEASED;
    this.#snapshot[Symbol.dispose]();
  }

  async #resultInTime(): Promise<SimulationResult> {
    try {
      await this.#running.idle();
      return await this.#recorded();
    } finally {
      await this.#release();
    }
  }

  #recorded(): MaybePromise<SimulationResult> {
    for (const { namespace, range } of this.#ranges) this.#rwset.addRangeQuery(namespace, range.info());
    const built = this.#rwset.build();
    return whenKnown(this.#written(), (written) => ({
      ...built,
      touched: { namespaces: this.#rwset.namespaces(), written, privateReads: [...this.#privateReads.values()] },
    }));
  }

  /** Looking at the metadata of a key that is written is no read of it. */
  #written(): MaybePromise<readonly WrittenKey[]> {
    const keys = this.#rwset.keysToWrite();
    return allKnown(
      keys.map(({ namespace, collection, key }) => {
        const found =
          collection === undefined ? this.#snapshot.get(namespace, key) : readHash(this.#snapshot, { namespace, collection, key });
        return whenKnown(found, (value): WrittenKey => ({ namespace, collection, metadata: decodeMetadata(value?.metadata) }));
      }),
    );
  }

  /** Iterators wait for their own steps, then close, newest first; the snapshot goes last. */
  #release(): Promise<void> {
    this.#released ??= this.#closeInTime();
    return this.#released;
  }

  async #closeInTime(): Promise<void> {
    await this.#running.idle();
    try {
      await this.#queries?.[Symbol.asyncDispose]();
    } finally {
      this.#snapshot[Symbol.dispose]();
    }
  }

  /** Ranges are no reads of single values: a store of documents gives these as it writes them. */
  #inRange(value: Uint8Array): Uint8Array {
    return this.#snapshot.documents?.inRange(value) ?? value;
  }

  #read(namespace: string, key: string): MaybePromise<StateValue | undefined> {
    this.#may.beforeGet(key);
    return this.#known(this.#snapshot.get(namespace, key), (found) => {
      this.#rwset.addRead(namespace, key, found?.version);
      return found;
    });
  }

  #hashedRead<T>(
    key: PrivateKey,
    read: (snapshot: StateSnapshot, key: PrivateKey) => MaybePromise<StateValue | undefined>,
    use: (found: StateValue | undefined) => T,
  ): MaybePromise<T> {
    return this.#known(read(this.#snapshot, key), (found) => {
      this.#rwset.addHashedRead(key.namespace, key.collection, key.key, found?.version);
      return use(found);
    });
  }

  #known<T, R>(answer: MaybePromise<T>, use: (value: T) => R): MaybePromise<R> {
    return this.#running.track(whenKnown(answer, use));
  }

  #results<T>({ next, close }: { next: () => MaybePromise<T | undefined>; close: () => unknown }): Results<T> {
    return this.#keep(new Results({ next, close, limit: this.#totalQueryLimit, check: this.#may.beforeRead, running: this.#running }));
  }

  #keep<T>(results: Results<T>): Results<T> {
    this.#queries ??= new Scope();
    return this.#queries.use(results);
  }
}
