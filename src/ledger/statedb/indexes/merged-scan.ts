import type { MaybePromise } from '../../../common/maybe.ts';
import { answered } from '../../kv/answer.ts';
import type { DocumentScan } from '../rich/document-source.ts';
import type { StateEntry } from '../state.ts';
import type { IndexRow, RangeFilter } from './range-filter.ts';
import type { SortedScan } from './sorted-scan.ts';

export interface MergedScanParts {
  /** In stored order. */
  readonly ordered: DocumentScan;
  /** Put in order in memory; nearly always empty. */
  readonly sorted: SortedScan;
  readonly filter: RangeFilter;
  /** Whether all that the first gives lies in the range. */
  readonly exact: boolean;
}

/** Two scans in the same order as one. Where the second is empty, the first is passed on as it is. */
export class MergedScan implements DocumentScan {
  readonly #parts: MergedScanParts;
  #hasSorted: boolean | undefined;
  /** Of the first, read ahead. */
  #ahead: { readonly entry: StateEntry; readonly row: IndexRow } | undefined;

  /** @param parts both scans are owned from here on */
  constructor(parts: MergedScanParts) {
    this.#parts = parts;
  }

  next(): MaybePromise<StateEntry | undefined> {
    if (this.#hasSorted === undefined) return this.#begin();
    if (this.#hasSorted) return this.#merged();
    return this.#parts.exact ? this.#parts.ordered.next() : answered(this.#nextInRange(), (found) => found?.entry);
  }

  async #begin(): Promise<StateEntry | undefined> {
    this.#hasSorted = (await this.#parts.sorted.peek()) !== undefined;
    return this.next();
  }

  async #merged(): Promise<StateEntry | undefined> {
    const { sorted, filter } = this.#parts;
    this.#ahead ??= await this.#nextInRange();
    const row = await sorted.peek();
    const first = this.#ahead;
    if (row !== undefined && (first === undefined || filter.compare(row, first.row) < 0)) return sorted.next();
    this.#ahead = undefined;
    return first?.entry;
  }

  async #nextInRange(): Promise<{ readonly entry: StateEntry; readonly row: IndexRow } | undefined> {
    const { ordered, filter } = this.#parts;
    for (let entry = await ordered.next(); entry !== undefined; entry = await ordered.next()) {
      const row = filter.row(entry);
      if (row !== undefined) return { entry, row };
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#parts.ordered[Symbol.dispose]();
    this.#parts.sorted[Symbol.dispose]();
  }
}
