/** A simulation on state that a test gives; it records writes and obeys disposal, nothing more. */

import { compareUtf8 } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import type { ResultsIterator, SimulationResult, TxSimulator } from '../../src/ledger/simulator/tx-simulator.ts';
import { noQueries } from '../../src/ledger/statedb/state.ts';
import type { queryresult } from '../../src/protos/messages.ts';

export interface MemoryState {
  /** By `namespace/key`, or `namespace$collection/key` for private data. */
  readonly values?: ReadonlyMap<string, Uint8Array>;
  readonly metadata?: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;
  readonly history?: readonly queryresult.KeyModification[];
  /** Held before every single read of a key, so that tests can have a request running. */
  readonly beforeRead?: () => Promise<void>;
}

export class MemorySimulator implements TxSimulator {
  readonly channelId: string;
  readonly txId: string;
  readonly #state: MemoryState;
  /** What was written, like `put ns/key`. */
  readonly writes: string[] = [];
  disposed = false;
  openIterators = 0;
  /** Reads that were under way when the simulation was disposed. */
  readsAtDisposal = 0;
  #reading = 0;

  constructor(state: MemoryState = {}, { channelId = 'ch', txId = 'tx' }: { readonly channelId?: string; readonly txId?: string } = {}) {
    this.#state = state;
    this.channelId = channelId;
    this.txId = txId;
  }

  async getState(namespace: string, key: string): Promise<Uint8Array | undefined> {
    return this.#read(`${namespace}/${key}`);
  }

  async getStateMultiple(namespace: string, keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    return Promise.all(keys.map((key) => this.getState(namespace, key)));
  }

  putState(namespace: string, key: string, value: Uint8Array): void {
    this.#write(`put ${namespace}/${key}=${Buffer.from(value)}`);
  }

  deleteState(namespace: string, key: string): void {
    this.#write(`del ${namespace}/${key}`);
  }

  async getStateMetadata(namespace: string, key: string): Promise<ReadonlyMap<string, Uint8Array>> {
    return this.#state.metadata?.get(`${namespace}/${key}`) ?? new Map();
  }

  setStateMetadata(namespace: string, key: string, entries: ReadonlyMap<string, Uint8Array>): void {
    this.#write(`meta ${namespace}/${key} ${[...entries.keys()]}`);
  }

  getStateRange(namespace: string, start: string, end: string, page?: { readonly size: number }) {
    const all = this.#range(namespace, start, end);
    const results = page === undefined ? all : all.slice(0, page.size);
    return Object.assign(this.#iterate(results), { bookmark: () => (page && all[page.size]?.key) ?? '' });
  }

  query(..._asked: Parameters<TxSimulator['query']>): ReturnType<TxSimulator['query']> {
    throw noQueries(undefined);
  }

  getPrivateDataQuery(): never {
    throw noQueries(undefined);
  }

  history(): ResultsIterator<queryresult.KeyModification> {
    return this.#iterate(this.#state.history ?? []);
  }

  async getPrivateData(namespace: string, collection: string, key: string): Promise<Uint8Array | undefined> {
    return this.#read(`${namespace}$${collection}/${key}`);
  }

  async getPrivateDataHash(namespace: string, collection: string, key: string): Promise<Uint8Array | undefined> {
    return this.#read(`${namespace}$${collection}/hash of ${key}`);
  }

  putPrivateData(namespace: string, collection: string, key: string, value: Uint8Array): void {
    this.#write(`put ${namespace}$${collection}/${key}=${Buffer.from(value)}`);
  }

  deletePrivateData(namespace: string, collection: string, key: string): void {
    this.#write(`del ${namespace}$${collection}/${key}`);
  }

  purgePrivateData(namespace: string, collection: string, key: string): void {
    this.#write(`purge ${namespace}$${collection}/${key}`);
  }

  async getPrivateDataMetadata(namespace: string, collection: string, key: string): Promise<ReadonlyMap<string, Uint8Array>> {
    return this.#state.metadata?.get(`${namespace}$${collection}/${key}`) ?? new Map();
  }

  setPrivateDataMetadata(namespace: string, collection: string, key: string, entries: ReadonlyMap<string, Uint8Array>): void {
    this.#write(`meta ${namespace}$${collection}/${key} ${[...entries.keys()]}`);
  }

  getPrivateDataRange(namespace: string, collection: string, start: string, end: string): ResultsIterator<queryresult.KV> {
    return this.#iterate(this.#range(`${namespace}$${collection}`, start, end));
  }

  async result(): Promise<SimulationResult> {
    this.disposed = true;
    return {
      publicRwset: new Uint8Array(0),
      privateRwset: undefined,
      privateCollections: [],
      touched: { namespaces: [], written: [], privateReads: [] },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.readsAtDisposal = this.#reading;
    this.disposed = true;
  }

  #range(namespace: string, start: string, end: string): queryresult.KV[] {
    return [...(this.#state.values ?? [])]
      .filter(([name]) => name.startsWith(`${namespace}/`))
      .map(([name, value]) => ({ namespace, key: name.slice(namespace.length + 1), value }))
      .filter(({ key }) => compareUtf8(key, start) >= 0 && (end === '' || compareUtf8(key, end) < 0))
      .sort((a, b) => compareUtf8(a.key, b.key));
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    this.#check();
    this.#reading += 1;
    try {
      await this.#state.beforeRead?.();
    } finally {
      this.#reading -= 1;
    }
    this.#check();
    return this.#state.values?.get(name);
  }

  #write(what: string): void {
    this.#check();
    this.writes.push(what);
  }

  #check(): void {
    if (this.disposed) throw new SelvageError('SIMULATION_FAILED', 'This instance should not be used after calling Done()');
  }

  #iterate<T>(results: readonly T[]): ResultsIterator<T> {
    this.openIterators += 1;
    let at = 0;
    let open = true;
    return {
      next: () => {
        this.#check();
        if (!open) throw new Error('read after close');
        const result = results[at];
        at += 1;
        return result;
      },
      [Symbol.asyncDispose]: async () => {
        if (open) this.openIterators -= 1;
        open = false;
      },
    };
  }
}
