import { compareUtf8 } from '../../../common/bytes.ts';
import { compareKeys } from '../rich/compare-values.ts';
import type { IndexRange } from '../rich/document-source.ts';
import type { IndexKeys } from '../rich/index-key.ts';
import type { JsonValue } from '../rich/json-value.ts';
import { RichDocument } from '../rich/rich-document.ts';
import type { StateEntry } from '../state.ts';

/** One row of an index. */
export interface IndexRow {
  readonly columns: readonly JsonValue[];
  readonly document: string;
}

/** What belongs to a range of an index, and in which order: the definition of both, where no stored order can be relied on. */
export class RangeFilter {
  readonly #keys: IndexKeys;
  readonly #range: IndexRange;

  constructor(keys: IndexKeys, range: IndexRange) {
    this.#keys = keys;
    this.#range = range;
  }

  /** The row of a document; undefined where it has none in the range. */
  row(entry: StateEntry): IndexRow | undefined {
    const columns = this.#keys.keyOf(new RichDocument(entry));
    const row = columns && { columns, document: entry.key };
    return row && this.#includes(row) ? row : undefined;
  }

  /** In the direction of the scan. */
  readonly compare = (a: IndexRow, b: IndexRow): number => {
    const order = compareKeys(a.columns, b.columns) || compareUtf8(a.document, b.document);
    return this.#range.descending ? -order : order;
  };

  #includes(row: IndexRow): boolean {
    const { low, high, from } = this.#range;
    if (compareKeys(low, row.columns.slice(0, low.length)) > 0) return false;
    if (compareKeys(high, row.columns.slice(0, high.length)) < 0) return false;
    return from === undefined || this.compare({ columns: from.key, document: from.document }, row) <= 0;
  }
}
