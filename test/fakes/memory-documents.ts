import { compareUtf8 } from '../../src/common/bytes.ts';
import { compareKeys } from '../../src/ledger/statedb/rich/compare-values.ts';
import type { DocumentScan, DocumentSource, IndexRange, KeyRange } from '../../src/ledger/statedb/rich/document-source.ts';
import type { IndexDefinition } from '../../src/ledger/statedb/rich/index-definition.ts';
import { IndexKeys } from '../../src/ledger/statedb/rich/index-key.ts';
import type { JsonValue } from '../../src/ledger/statedb/rich/json-value.ts';
import { RichDocument } from '../../src/ledger/statedb/rich/rich-document.ts';
import type { StateEntry } from '../../src/ledger/statedb/state.ts';

interface IndexRow {
  readonly key: readonly JsonValue[];
  readonly entry: StateEntry;
}

/** Documents in memory, by the words of the port: every index is sorted when it is first used, and looked through from its beginning. */
export class MemoryDocuments implements DocumentSource {
  readonly indexes: readonly IndexDefinition[];
  readonly #entries: readonly StateEntry[];
  readonly #rows = new Map<IndexDefinition, readonly IndexRow[]>();

  constructor(entries: Iterable<StateEntry>, indexes: readonly IndexDefinition[]) {
    this.#entries = [...entries].sort((a, b) => compareUtf8(a.key, b.key));
    this.indexes = indexes;
  }

  get(key: string): StateEntry | undefined {
    return this.#entries.find((entry) => entry.key === key);
  }

  documents({ low, high, descending }: KeyRange): DocumentScan {
    const found = this.#entries.filter(
      ({ key }) => (low === undefined || compareUtf8(key, low) >= 0) && (high === undefined || compareUtf8(key, high) <= 0),
    );
    return scanOf(descending ? found.reverse() : found);
  }

  indexed(index: IndexDefinition, { low, high, descending, from }: IndexRange): DocumentScan {
    const isAfter = ({ key, entry }: IndexRow): boolean => {
      if (from === undefined) return true;
      const order = compareKeys(key, from.key) || compareUtf8(entry.key, from.document);
      return descending ? order <= 0 : order >= 0;
    };
    const found = this.#rowsOf(index).filter(
      (row) => compareKeys(row.key.slice(0, low.length), low) >= 0 && compareKeys(row.key.slice(0, high.length), high) <= 0 && isAfter(row),
    );
    return scanOf((descending ? found.reverse() : found).map(({ entry }) => entry));
  }

  #rowsOf(index: IndexDefinition): readonly IndexRow[] {
    const known = this.#rows.get(index);
    if (known !== undefined) return known;
    const keys = new IndexKeys(index);
    const rows = this.#entries
      .flatMap((entry) => {
        const key = keys.keyOf(new RichDocument(entry));
        return key === undefined ? [] : [{ key, entry }];
      })
      .sort((a, b) => compareKeys(a.key, b.key) || compareUtf8(a.entry.key, b.entry.key));
    this.#rows.set(index, rows);
    return rows;
  }
}

function scanOf(entries: readonly StateEntry[]): DocumentScan {
  let at = 0;
  return {
    next: () => {
      at += 1;
      return entries[at - 1];
    },
    [Symbol.dispose]: () => undefined,
  };
}
