import type { MaybePromise } from '../../common/maybe.ts';
import type { Version } from '../version.ts';

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
}

export interface StateIterator extends Disposable {
  next(): MaybePromise<StateEntry | undefined>;
}

/** The port under the ledger: current values and versions of one channel. One writer; snapshots never wait for it. */
export interface StateStore extends AsyncDisposable {
  snapshot(): StateSnapshot;
  /** Applies all updates and the savepoint at once. */
  commit(updates: readonly StateUpdate[], savepoint: Savepoint): Promise<void>;
}
