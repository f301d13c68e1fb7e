import { SelvageError } from '../../common/errors.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import type { KvStore, KvWrite } from '../kv/kv-store.ts';
import type { Version } from '../version.ts';
import type { QueryCost, QueryPlan } from './rich/query-plan.ts';

/** A committed value. `metadata` is the encoded `KVMetadataWrite` without its key, absent when there is none. */
export interface StateValue {
  readonly value: Uint8Array;
  readonly version: Version;
  readonly metadata?: Uint8Array | undefined;
}

export interface StateEntry extends StateValue {
  readonly key: string;
}

/** What a commit does to one key; `undefined` deletes it. */
export interface StateUpdate {
  readonly namespace: string;
  readonly key: string;
  readonly value: StateValue | undefined;
}

/** Up to which transaction the state is current. */
export interface Savepoint {
  readonly blockNum: bigint;
  readonly txNum: bigint;
}

/**
 * Committed state as of one moment; later commits are not seen. Keys come in the order of their UTF-8 bytes.
 * Private data live in namespaces `<ns>$$p<collection>` (plain) and `<ns>$$h<collection>` (key is the raw SHA-256 as latin1 text).
 */
export interface StateSnapshot extends Disposable {
  readonly savepoint: Savepoint | undefined;
  get(namespace: string, key: string): MaybePromise<StateValue | undefined>;
  getMany(namespace: string, keys: readonly string[]): MaybePromise<readonly (StateValue | undefined)[]>;
  /** `start` inclusive, `end` exclusive, '' is open. Pull style, so that nothing is read that nobody asked for. */
  range(namespace: string, start: string, end: string): StateIterator;
  /** Of a store of documents; absent where keys and values are bytes and nothing more. */
  readonly documents?: DocumentRules | undefined;
  /**
   * Rich query. Answers what the store holds for the query, whatever a commit does meanwhile; no phantom is looked for later.
   * @throws {SelvageError} `SIMULATION_FAILED` with Fabric's text where the store has no queries; see {@link noQueries}
   */
  query(namespace: string, query: string, page?: QueryPage): StateQuery;
  /**
   * How a rich query would be answered. Absent where the store has no plans of its own.
   * @throws {SelvageError} `SIMULATION_FAILED` with the text that the query itself would be refused with
   */
  explain?(namespace: string, query: string): MaybePromise<QueryPlan>;
}

/** How a store of documents differs from one of bytes: as of a peer with CouchDB. */
export interface DocumentRules {
  /** @throws {SelvageError} `SIMULATION_FAILED` with Fabric's text for what a document cannot be called */
  checkKey(key: string): void;
  /** @throws {SelvageError} `SIMULATION_FAILED` with Fabric's text for members that the database has for itself */
  checkValue(value: Uint8Array): void;
  /** A value as ranges give it: that of a document is canonical JSON. */
  inRange(value: Uint8Array): Uint8Array;
}

/** An index file of a package. */
export interface IndexFile {
  /** In the package. */
  readonly path: string;
  readonly content: string;
}

export interface RefusedIndex {
  readonly path: string;
  /** As CouchDB says it. */
  readonly reason: string;
}

/** The indexes of rich queries, by namespace. A commit keeps them with the state; what they are is set from outside. */
export interface StateIndexes {
  /**
   * Makes the indexes of a namespace those of the files, of which a later one takes the place of an earlier one with its name. Resolves
   * when queries use them, though what was there before may still have to be taken in.
   * @returns the files that are no index
   */
  deploy(namespace: string, files: readonly IndexFile[]): Promise<readonly RefusedIndex[]>;
  /** Namespaces that have any. */
  namespaces(): Promise<readonly string[]>;
  /** Resolves when everything is taken in that there is to take in. */
  built(): Promise<void>;
}

/** Results of a rich query, in the order that the store gives them. */
export interface StateQuery extends StateIterator {
  /** Where the next page begins, '' at the end; asked for after the last result. */
  bookmark(): MaybePromise<string>;
  /** What it has cost so far, where the store counts. */
  readonly cost?: QueryCost | undefined;
  /** Fields, in order, of an index that would serve it, where it was refused for want of one. */
  readonly missingIndex?: readonly string[] | undefined;
}

export interface QueryPage {
  /** Results that are asked for; 0 or less for as many as there may be. */
  readonly size: number;
  /** '' for the first page. */
  readonly bookmark: string;
}

export interface StateIterator extends Disposable {
  next(): MaybePromise<StateEntry | undefined>;
}

/** What the ledger writes for the same block into its own store: history, indexes, schedules. */
export interface Beside {
  readonly kv: Pick<KvStore, 'commit'>;
  readonly writes: readonly KvWrite[];
}

/**
 * The port under the ledger, and the only way to the state: current values and versions of one channel. One writer; snapshots never
 * wait for it. What a store that lies elsewhere has lost is made again from the blocks.
 */
export interface StateStore extends AsyncDisposable {
  /** Absent where there are no rich queries. */
  readonly indexes?: StateIndexes | undefined;
  snapshot(): StateSnapshot;
  /**
   * Applies all updates and the savepoint at once, and writes what is beside it: in the same step where both are in one store, else
   * after it. So the state may be ahead after a crash, and never behind.
   * @throws {SelvageError} `DISK_FULL`, `LEDGER_UNAVAILABLE`; the savepoint then tells whether the state was changed
   */
  commit(updates: readonly StateUpdate[], savepoint: Savepoint, beside?: Beside): Promise<void>;
}

/** What a store without rich queries answers to one. */
export const noQueries = (page: QueryPage | undefined): SelvageError => {
  const call = page === undefined ? 'ExecuteQuery' : 'ExecuteQueryWithMetadata';
  return new SelvageError('SIMULATION_FAILED', `${call} not supported for leveldb`);
};
