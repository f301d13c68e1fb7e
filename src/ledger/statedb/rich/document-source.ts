import type { MaybePromise } from '../../../common/maybe.ts';
import type { StateEntry } from '../state.ts';
import type { IndexDefinition } from './index-definition.ts';
import type { JsonValue } from './json-value.ts';

/** The documents of one namespace at one moment: what the engine reads. Disposing it is its owner's business. */
export interface DocumentSource {
  /** The indexes that may be used: those that hold every document of this moment. The order does not matter. */
  readonly indexes: readonly IndexDefinition[];

  /** One document again, by its key. */
  get(key: string): MaybePromise<StateEntry | undefined>;

  /** All documents, binary ones too, in the order of their keys' UTF-8 bytes, or the reverse. */
  documents(range: KeyRange): DocumentScan;

  /**
   * The documents of an index: those that `IndexKeys` of `index-key.ts` gives a key for. In the order of `compareKeys` of `compare-values.ts`, ties by
   * the bytes of the document's key; `descending` is the exact reverse.
   */
  indexed(index: IndexDefinition, range: IndexRange): DocumentScan;
}

export interface DocumentScan extends Disposable {
  /** The next document, or undefined at the end. A source that has much to do before it knows gives a promise and takes turns. */
  next(): MaybePromise<StateEntry | undefined>;
}

/** Both ends belong to it; undefined is open. `low` is the lesser one in either direction. */
export interface KeyRange {
  readonly low: string | undefined;
  readonly high: string | undefined;
  readonly descending: boolean;
}

/**
 * Rows whose index key is at least `low` and at most `high`; both ends belong to it. The keys are prefixes of index keys: `low` counts
 * as less than what continues it, `high` as greater than what continues it, so that empty lists are open ends.
 */
export interface IndexRange {
  readonly low: readonly JsonValue[];
  readonly high: readonly JsonValue[];
  readonly descending: boolean;
  /** Where a bookmark stands: rows before this position, seen in the direction of the scan, are left out. The row itself belongs to it. */
  readonly from?: IndexPosition | undefined;
}

/** A place in the order of an index: a whole index key and the key of its document. No such row need be there. */
export interface IndexPosition {
  readonly key: readonly JsonValue[];
  readonly document: string;
}
