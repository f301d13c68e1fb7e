import type { KvWrite } from '../../kv/kv-store.ts';
import { RichDocument } from '../rich/rich-document.ts';
import type { StateEntry, StateValue } from '../state.ts';
import { rowKey, rowValue } from './key-space.ts';
import { sortKey } from './sort-key.ts';
import type { StoredIndex } from './stored-index.ts';

/** The sort key of a document's row; `unordered` where there is a row and no such key, undefined where there is no row. */
type RowSort = string | typeof UNORDERED | undefined;
const UNORDERED = Symbol('unordered');

/** The rows that a document has in indexes. */
export function rowsOf(indexes: readonly StoredIndex[], entry: StateEntry): KvWrite[] {
  const sorts = sortsOf(indexes, entry);
  return indexes.flatMap(({ number }, at) => {
    const sort = sorts[at];
    return sort === undefined ? [] : [{ key: keyOf(number, sort, entry.key), value: rowValue(entry.key) }];
  });
}

/** What a change of a document does to its rows. */
export function changedRows(
  indexes: readonly StoredIndex[],
  key: string,
  { before, after }: { readonly before: StateValue | undefined; readonly after: StateValue | undefined },
): KvWrite[] {
  const old = before === undefined ? [] : sortsOf(indexes, { key, ...before });
  const now = after === undefined ? [] : sortsOf(indexes, { key, ...after });
  const writes: KvWrite[] = [];
  for (const [at, { number, built }] of indexes.entries()) {
    const was = old[at];
    const is = now[at];
    if (was === is && built) continue;
    if (was !== undefined && was !== is) writes.push({ key: keyOf(number, was, key), value: undefined });
    if (is !== undefined) writes.push({ key: keyOf(number, is, key), value: rowValue(key) });
  }
  return writes;
}

function sortsOf(indexes: readonly StoredIndex[], entry: StateEntry): RowSort[] {
  const document = new RichDocument(entry);
  return indexes.map(({ keys }): RowSort => {
    const columns = keys.keyOf(document);
    return columns && (sortKey(columns) ?? UNORDERED);
  });
}

const keyOf = (number: number, sort: string | typeof UNORDERED, document: string): Uint8Array =>
  rowKey(number, sort === UNORDERED ? undefined : sort, document);
