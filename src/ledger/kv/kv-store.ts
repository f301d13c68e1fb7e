import type { MaybePromise } from '../../common/maybe.ts';

export interface KvEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What a commit does to one key; `undefined` removes it. Of several writes to one key the last one counts. */
export interface KvWrite {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** `gte` inclusive, `lt` exclusive, absent is open. `reverse` hands out the same entries, last one first. */
export interface KvRange {
  readonly gte?: Uint8Array | undefined;
  readonly lt?: Uint8Array | undefined;
  readonly reverse?: boolean | undefined;
}

/** Pull style: an entry is read when it is asked for, give or take a bounded page. */
export interface KvIterator extends Disposable {
  next(): MaybePromise<KvEntry | undefined>;
}

/** The store as of one moment; later commits are not seen. After disposal every call fails with `LEDGER_UNAVAILABLE`. */
export interface KvSnapshot extends Disposable {
  /** The bytes belong to the caller. An embedded store answers at once; remote ones come in above, as a state store. */
  get(key: Uint8Array): Uint8Array | undefined;
  getMany(keys: readonly Uint8Array[]): MaybePromise<readonly (Uint8Array | undefined)[]>;
  range(range: KvRange): KvIterator;
}

/**
 * The port under state, history and indexes: keys of any length (the empty one too) in unsigned byte order.
 * One writer. Snapshots never wait for it, it never waits for snapshots.
 */
export interface KvStore extends AsyncDisposable {
  snapshot(): KvSnapshot;
  /**
   * Applies all writes or none. Resolves when snapshots taken from now on see them. Keys and values must not be changed
   * until then.
   * @throws {SelvageError} `DISK_FULL` or `LEDGER_UNAVAILABLE`, and then nothing was written
   */
  commit(writes: readonly KvWrite[]): Promise<void>;
  /** Resolves when all that was committed before is on the disk, whatever the store's commits wait for. */
  flushed(): Promise<void>;
}
