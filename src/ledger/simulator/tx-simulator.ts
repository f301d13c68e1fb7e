import type { MaybePromise } from '../../common/maybe.ts';
import type { queryresult } from '../../protos/messages.ts';
import type { QueryPage } from '../statedb/state.ts';

/** Results one at a time; `undefined` after the last. Dispose it when done, at the latest when the simulation ends. */
export interface ResultsIterator<T> extends AsyncDisposable {
  next(): MaybePromise<T | undefined>;
}

/** What a transaction read and wrote. Bytes are canonical protobuf: equal on every honest endorser. */
export interface SimulationResult {
  /** `rwset.TxReadWriteSet`. */
  readonly publicRwset: Uint8Array;
  /** `rwset.TxPvtReadWriteSet`, absent when nothing private was written. */
  readonly privateRwset: Uint8Array | undefined;
  /** Namespaces and collections with private writes. */
  readonly privateCollections: readonly CollectionName[];
  readonly touched: TouchedState;
}

export interface CollectionName {
  readonly namespace: string;
  readonly collection: string;
}

/** What a transaction touched, for who has to know which policies that concerns. Not part of what is signed. */
export interface TouchedState {
  /** That anything was recorded in. */
  readonly namespaces: readonly string[];
  readonly written: readonly WrittenKey[];
  /** Collections of which values were read, not only hashes. */
  readonly privateReads: readonly CollectionName[];
}

export interface WrittenKey {
  readonly namespace: string;
  /** Undefined for the public state. */
  readonly collection: string | undefined;
  /** Committed metadata of the key, by name; empty when it has none. */
  readonly metadata: ReadonlyMap<string, Uint8Array>;
}

/**
 * One simulation of one transaction on one snapshot. Reads see committed state only, never its own writes.
 * After `result()` or disposal every call fails with `SIMULATION_FAILED`.
 * @see core/ledger/kvledger/txmgmt/txmgr in hyperledger/fabric v2.5
 */
export interface TxSimulator extends AsyncDisposable {
  readonly channelId: string;
  readonly txId: string;
  getState(namespace: string, key: string): MaybePromise<Uint8Array | undefined>;
  getStateMultiple(namespace: string, keys: readonly string[]): MaybePromise<readonly (Uint8Array | undefined)[]>;
  putState(namespace: string, key: string, value: Uint8Array): void;
  deleteState(namespace: string, key: string): void;
  /** Metadata entries by name; empty when there are none. */
  getStateMetadata(namespace: string, key: string): MaybePromise<ReadonlyMap<string, Uint8Array>>;
  setStateMetadata(namespace: string, key: string, entries: ReadonlyMap<string, Uint8Array>): void;
  /** @param page given for a paginated query: at most that many results; the simulation is then read-only. */
  getStateRange(
    namespace: string,
    start: string,
    end: string,
    page?: { readonly size: number },
  ): ResultsIterator<queryresult.KV> & {
    /** Start key of the next page, '' at the end (paginated only). */ bookmark(): MaybePromise<string>;
  };
  /**
   * Rich query, of which each result counts as read.
   * @throws {SelvageError} `SIMULATION_FAILED` `ExecuteQuery not supported for leveldb` on a state that has none
   */
  query(namespace: string, query: string, page?: QueryPage): ResultsIterator<queryresult.KV> & { bookmark(): MaybePromise<string> };
  /** Newest first unless the ledger was opened for 1.1 order. Records nothing. */
  history(namespace: string, key: string): ResultsIterator<queryresult.KeyModification>;
  getPrivateData(namespace: string, collection: string, key: string): MaybePromise<Uint8Array | undefined>;
  getPrivateDataHash(namespace: string, collection: string, key: string): MaybePromise<Uint8Array | undefined>;
  putPrivateData(namespace: string, collection: string, key: string, value: Uint8Array): void;
  deletePrivateData(namespace: string, collection: string, key: string): void;
  purgePrivateData(namespace: string, collection: string, key: string): void;
  getPrivateDataMetadata(namespace: string, collection: string, key: string): MaybePromise<ReadonlyMap<string, Uint8Array>>;
  setPrivateDataMetadata(namespace: string, collection: string, key: string, entries: ReadonlyMap<string, Uint8Array>): void;
  getPrivateDataRange(namespace: string, collection: string, start: string, end: string): ResultsIterator<queryresult.KV>;
  /** Rich query on the plain values of a collection; in a read-only simulation, and records nothing. */
  getPrivateDataQuery(namespace: string, collection: string, query: string): ResultsIterator<queryresult.KV>;
  /** Closes the simulation and returns what it recorded. */
  result(): MaybePromise<SimulationResult>;
}
