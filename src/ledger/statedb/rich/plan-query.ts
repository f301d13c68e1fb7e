import { compareUtf8 } from '../../../common/bytes.ts';
import type { Condition } from './condition.ts';
import { type FieldRange, fieldRanges, HIGHEST, indexableFields, LOWEST } from './field-range.ts';
import type { IndexDefinition } from './index-definition.ts';
import type { JsonValue } from './json-value.ts';
import type { QueryOptions } from './query-options.ts';
import { badRequest } from './refusal.ts';
import { canSort, isTextSearch, requiresFields } from './usable-index.ts';

/** What a request reads. */
export interface ChosenPlan {
  /** Undefined is `_all_docs`. */
  readonly index: IndexDefinition | undefined;
  /** Ranges of the leading columns; `'nothing'` where no document can match. */
  readonly prefix: readonly Exclude<FieldRange, 'empty'>[] | 'nothing';
  readonly descending: boolean;
  /** The hint of the query was not followed. */
  readonly hintIgnored: boolean;
  readonly usability: readonly Usability[];
}

export interface Usability {
  readonly index: IndexDefinition | undefined;
  readonly usable: boolean;
  readonly reason: string;
}

/**
 * Chooses the index exactly as CouchDB does: its order is the order of the results.
 * @throws {SelvageError} CouchDB's `no_usable_index`, or its `function_clause` for values that it fails at
 * @see create in apache/couchdb 3.4, src/mango/src/mango_cursor.erl, mango_idx.erl and mango_cursor_view.erl
 */
export function choosePlan(indexes: readonly IndexDefinition[], options: QueryOptions): ChosenPlan {
  const usability = [...indexes].map((index) => usabilityOf(index, options));
  usability.push(allDocumentsUsability(options));
  const usable = usability.filter((one) => one.usable).map(({ index }) => index);
  if (usable.length === 0) throw badRequest('no_usable_index', 'No index exists for this sort, try indexing by the sort fields.');
  const hinted = options.useIndex.length === 0 ? [] : usable.filter((index) => isNamed(index, options.useIndex));
  const competing = hinted.length > 0 ? hinted : usable;
  const [index, ranges] = best(competing, options.selector);
  return {
    index,
    prefix: isNoOperation(options.selector) || ranges[0] === 'empty' ? 'nothing' : ranges.filter((range) => range !== 'empty'),
    descending: options.sort[0]?.direction === 'desc',
    hintIgnored: options.useIndex.length > 0 && !isNamed(index, options.useIndex),
    usability,
  };
}

/** `design document/name`, or `_all_docs`. */
export const indexLabel = (index: IndexDefinition | undefined): string =>
  index === undefined ? '_all_docs' : `${index.designDocument}/${index.name}`;

const sortNames = ({ sort }: QueryOptions): readonly string[] => sort.map(({ name }) => name);

function usabilityOf(index: IndexDefinition, options: QueryOptions): Usability {
  const no = (reason: string): Usability => ({ index, usable: false, reason });
  if (index.partialFilter !== undefined && !isNamed(index, options.useIndex))
    return no('is a partial index, which only use_index makes usable');
  const sort = new Set(sortNames(options));
  const required = index.columns.filter((column) => !sort.has(column) && column !== '_id' && column !== '_rev');
  const hasColumns = requiresFields(options.selector, required);
  if (isTextSearch(options.selector)) return no('cannot serve a $text condition');
  if (!hasColumns) return no(`needs a condition on each of its columns: ${index.columns.join(', ')}`);
  if (!canSort(index.columns, sortNames(options), options.selector)) return no('does not have the documents in the order of the sort');
  return { index, usable: true, reason: 'the selector has a condition on each of its columns' };
}

function allDocumentsUsability(options: QueryOptions): Usability {
  const sort = sortNames(options);
  if (sort.length === 0) return { index: undefined, usable: true, reason: 'holds every document' };
  const usable = sort.length === 1 && sort[0] === '_id' && indexableFields(options.selector).includes('_id');
  return { index: undefined, usable, reason: usable ? 'is in the order of the sort' : 'is not in the order of the sort' };
}

/** Whether a hint means this index. */
function isNamed(index: IndexDefinition | undefined, [designDocument, name]: readonly string[]): boolean {
  if (index === undefined || designDocument === undefined) return false;
  return index.designDocument === designDocument.replace(/^_design\//, '') && (name === undefined || index.name === name);
}

type Ranges = readonly FieldRange[];

/** JSON indexes beat the scan of all; then the fewest fields left over, the fewest columns, the first name. */
function best(
  competing: readonly (IndexDefinition | undefined)[],
  selector: Condition,
): readonly [IndexDefinition | undefined, readonly FieldRange[]] {
  const ranges = fieldRanges(selector);
  const rated = competing
    .filter((index) => index !== undefined)
    .map((index) => ({ index, prefix: prefixOf(index.columns, ranges) }))
    .sort((a, b) => b.prefix.length - a.prefix.length || a.index.columns.length - b.index.columns.length || byName(a.index, b.index));
  const [first] = rated;
  if (first !== undefined) return [first.index, first.prefix];
  return [undefined, prefixOf(['_id'], [...ranges, ['_id', EVERYTHING]])];
}

const EVERYTHING: FieldRange = { lowBy: '$gt', low: LOWEST, highBy: '$lt', high: HIGHEST };

/** The ranges of the leading columns that have one. */
function prefixOf(columns: readonly string[], ranges: readonly (readonly [string, FieldRange])[]): Ranges {
  const byName = new Map([...ranges].reverse());
  const prefix: FieldRange[] = [];
  for (const column of columns) {
    const range = byName.get(column);
    if (range === undefined) break;
    prefix.push(range);
  }
  return prefix;
}

const byName = (a: IndexDefinition, b: IndexDefinition): number =>
  compareUtf8(a.designDocument, b.designDocument) || compareUtf8(a.name, b.name);

/** CouchDB does not run a selector that is an empty list alone. */
const isNoOperation = (selector: Condition): boolean => (selector.kind === 'and' || selector.kind === 'or') && selector.of.length === 0;

/** The key to begin at: the low ends of the ranges, up to the first open one. */
export function startKey(prefix: readonly Exclude<FieldRange, 'empty'>[]): JsonValue[] {
  const open = prefix.findIndex(({ low }) => low === LOWEST);
  return prefix.slice(0, open < 0 ? undefined : open).map(({ low }) => low as JsonValue);
}

/** The key to end at, likewise. */
export function endKey(prefix: readonly Exclude<FieldRange, 'empty'>[]): JsonValue[] {
  const open = prefix.findIndex(({ high }) => high === HIGHEST);
  return prefix.slice(0, open < 0 ? undefined : open).map(({ high }) => high as JsonValue);
}
