import { setImmediate as nextTurn } from 'node:timers/promises';
import { SelvageError } from '../../../common/errors.ts';
import type { DocumentScan, DocumentSource } from '../rich/document-source.ts';
import type { StateEntry } from '../state.ts';
import type { IndexRow, RangeFilter } from './range-filter.ts';

/** Documents between two turns of the event loop, and rows that are sorted in one go. */
const DOCUMENTS_PER_TURN = 256;
const ROWS_PER_SORT = 512;
/** The most rows that are put in order in memory. */
const MOST_ROWS = 1_000_000;

/** Documents of another scan in the order of an index, put so in memory: their columns and keys, not the documents. */
export class SortedScan implements DocumentScan {
  readonly #documents: DocumentScan;
  readonly #filter: RangeFilter;
  readonly #source: Pick<DocumentSource, 'get'>;
  #rows: readonly IndexRow[] | undefined;
  #at = 0;

  /** @param documents owned from here on */
  constructor(documents: DocumentScan, filter: RangeFilter, source: Pick<DocumentSource, 'get'>) {
    this.#documents = documents;
    this.#filter = filter;
    this.#source = source;
  }

  /** The row that {@link next} gives, without going on. */
  async peek(): Promise<IndexRow | undefined> {
    this.#rows ??= await this.#sorted();
    return this.#rows[this.#at];
  }

  async next(): Promise<StateEntry | undefined> {
    const row = await this.peek();
    this.#at += 1;
    return row && this.#source.get(row.document);
  }

  async #sorted(): Promise<readonly IndexRow[]> {
    const runs: IndexRow[][] = [];
    let [run, seen, rows] = [[] as IndexRow[], 0, 0];
    for (let entry = await this.#documents.next(); entry !== undefined; entry = await this.#documents.next()) {
      const row = this.#filter.row(entry);
      if (row !== undefined) run.push(row);
      if (run.length === ROWS_PER_SORT) {
        runs.push(run.sort(this.#filter.compare));
        rows += run.length;
        if (rows >= MOST_ROWS) throw tooMany();
        run = [];
      }
      seen += 1;
      if (seen % DOCUMENTS_PER_TURN === 0) await nextTurn();
    }
    runs.push(run.sort(this.#filter.compare));
    return merged(runs, this.#filter.compare);
  }

  [Symbol.dispose](): void {
    this.#documents[Symbol.dispose]();
  }
}

const tooMany = (): SelvageError =>
  new SelvageError(
    'SIMULATION_FAILED',
    `the index is still being built, and ${MOST_ROWS} documents are too many to be put in order without it`,
    {
      advice: 'Try again when the peer has logged that the index is built.',
    },
  );

/** Sorted lists as one, pair by pair, in turns of the event loop. */
async function merged(runs: readonly (readonly IndexRow[])[], compare: (a: IndexRow, b: IndexRow) => number): Promise<readonly IndexRow[]> {
  let left = runs;
  while (left.length > 1) {
    const next: (readonly IndexRow[])[] = [];
    for (let at = 0; at < left.length; at += 2) next.push(await mergedPair(left[at] ?? [], left[at + 1] ?? [], compare));
    left = next;
  }
  return left[0] ?? [];
}

async function mergedPair(
  a: readonly IndexRow[],
  b: readonly IndexRow[],
  compare: (a: IndexRow, b: IndexRow) => number,
): Promise<readonly IndexRow[]> {
  const all: IndexRow[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [one, other] = [a[i], b[j]];
    if (other === undefined || (one !== undefined && compare(one, other) <= 0)) {
      if (one !== undefined) all.push(one);
      i += 1;
    } else {
      all.push(other);
      j += 1;
    }
    if (all.length % (2 * ROWS_PER_SORT) === 0) await nextTurn();
  }
  return all;
}
