import { concatBytes } from '../../../common/bytes.ts';
import type { KvRange } from '../../kv/kv-store.ts';
import { after } from '../../kv/long-keys.ts';
import type { IndexPosition, IndexRange } from '../rich/document-source.ts';
import type { JsonValue } from '../rich/json-value.ts';
import { rowsPrefix } from './key-space.ts';
import { sortKey } from './sort-key.ts';
import type { StoredIndex } from './stored-index.ts';

export interface OrderedBounds {
  readonly bounds: KvRange;
  /** Whether nothing outside of the range lies within: else each row is looked at. */
  readonly exact: boolean;
}

/** Above every key that continues another: no tag of a value and no byte of a document's key. */
const BEYOND = Buffer.from([0xff]);

/** Where the rows of a range lie. */
export function orderedBounds({ number, definition }: StoredIndex, { low, high, descending, from }: IndexRange): OrderedBounds {
  const prefix = rowsPrefix(number, 'ordered');
  const [first, last] = [encodable(low), encodable(high)];
  const gte = concatBytes(prefix, first.key);
  const lt = last.length === 0 ? after(prefix) : concatBytes(prefix, last.key, BEYOND);
  const exact = first.length === low.length && last.length === high.length;
  if (from === undefined) return { bounds: { gte, lt: greater(gte, lt), reverse: descending }, exact };
  const start = startOf(from, definition.columns.length, descending);
  const at = concatBytes(prefix, start.key);
  const [begin, end] = descending ? [gte, lesser(lt, at)] : [greater(gte, at), lt];
  return { bounds: { gte: begin, lt: greater(begin, end), reverse: descending }, exact: exact && start.exact };
}

/** Where a scan goes on from a position: rows from there on, or in the other direction up to there. */
function startOf(
  { key, document }: IndexPosition,
  columns: number,
  descending: boolean,
): { readonly key: Uint8Array; readonly exact: boolean } {
  const row = key.slice(0, columns);
  const at = encodable(row);
  if (at.length < row.length) return { key: descending ? concatBytes(at.key, BEYOND) : at.key, exact: false };
  // The position need be no row of this index: what is longer than its rows comes behind those that it continues, what is shorter before.
  if (key.length > columns) return { key: concatBytes(at.key, BEYOND), exact: true };
  if (key.length < columns) return { key: at.key, exact: true };
  return { key: concatBytes(at.key, Buffer.from(descending ? `${document}\0` : document, 'utf8')), exact: true };
}

const greater = (a: Uint8Array, b: Uint8Array): Uint8Array => (Buffer.compare(a, b) >= 0 ? a : b);
const lesser = (a: Uint8Array, b: Uint8Array): Uint8Array => (Buffer.compare(a, b) <= 0 ? a : b);

/** The sort key of as many values as have one, from the first on. */
function encodable(values: readonly JsonValue[]): { readonly key: Uint8Array; readonly length: number } {
  let [key, length] = ['', 0];
  for (const value of values) {
    const more = sortKey([value]);
    if (more === undefined) break;
    key += more;
    length += 1;
  }
  return { key: Buffer.from(key, 'latin1'), length };
}
