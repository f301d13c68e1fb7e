import type { StateEntry } from '../state.ts';
import { type Bookmark, decodeBookmark, encodeBookmark } from './bookmark.ts';
import type { DocumentScan, DocumentSource } from './document-source.ts';

import { type Bound, HIGHEST, LOWEST } from './field-range.ts';
import { IndexKeys } from './index-key.ts';
import { isArray, isObject, type JsonValue } from './json-value.ts';
import { Matcher } from './matcher.ts';
import { PatternRuns, Suspended } from './pattern/pattern-runs.ts';
import { type ChosenPlan, choosePlan, endKey, startKey } from './plan-query.ts';
import { projectFields } from './project-fields.ts';
import type { QueryOptions } from './query-options.ts';
import { beyondBounds } from './refusal.ts';
import { RichDocument } from './rich-document.ts';
import type { Turns } from './turns.ts';

/** CouchDB's answer to one request. */
export interface FindAnswer {
  readonly plan: ChosenPlan;
  /** Keys of the results, in order; the documents of the first ones, as many as memory may hold. */
  readonly rows: readonly { readonly key: string; readonly entry: StateEntry | undefined }[];
  /** Absent where nothing was searched. */
  readonly bookmark: string | undefined;
  readonly warning: string | undefined;
  readonly documentsExamined: number;
}

/** Bytes of documents that an answer keeps beside their keys; the others are read again when they are asked for. */
const KEPT_BYTES = 4 * 1024 * 1024;
const KEPT_OVERHEAD = 256;
/** CouchDB's `index_scan_warning_threshold`. */
const EXAMINED_PER_RESULT = 10;

/**
 * Answers a request as CouchDB does: the chosen index in its order, the selector on every document of its range, then bookmark, skip
 * and limit.
 * @throws {SelvageError} `SIMULATION_FAILED` with CouchDB's text
 */
export async function findDocuments(source: DocumentSource, options: QueryOptions, turns: Turns): Promise<FindAnswer> {
  const plan = choosePlan(source.indexes, options);
  if (plan.prefix === 'nothing') return { plan, rows: [], bookmark: undefined, warning: undefined, documentsExamined: 0 };
  const bookmark = options.bookmark === undefined ? undefined : decodeBookmark(options.bookmark);
  using scan = openScan(source, plan, bookmark);
  const found = await collect(scan, options, bookmark !== undefined, turns);
  return {
    plan,
    rows: found.rows,
    bookmark: found.last === undefined ? (options.bookmark ?? 'nil') : encodeBookmark(positionOf(plan, found.last)),
    warning: warningOf(plan, options, found),
    documentsExamined: found.examined,
  };
}

interface Found {
  readonly rows: FindAnswer['rows'];
  readonly last: RichDocument | undefined;
  readonly examined: number;
}

async function collect(scan: DocumentScan | undefined, options: QueryOptions, resumes: boolean, turns: Turns): Promise<Found> {
  const matcher = new Matcher(options.selector);
  const patterns = new PatternRuns(() => beyondBounds('a regular expression takes too many steps'));
  const rows: { key: string; entry: StateEntry | undefined }[] = [];
  let [skip, dropped, examined, kept] = [options.skip, resumes ? 1 : 0, 0, 0];
  let last: RichDocument | undefined;
  while (scan !== undefined && rows.length < options.limit) {
    if (turns.due) await turns.next();
    const next = scan.next();
    const entry = next instanceof Promise ? await next : next;
    if (entry === undefined) break;
    examined += 1;
    const document = new RichDocument(entry);
    if (!(await matches(matcher, document, patterns, turns))) continue;
    if (dropped > 0) {
      dropped -= 1;
      continue;
    }
    last = document;
    if (skip > 0) {
      skip -= 1;
      continue;
    }
    if (options.fields !== undefined) projectFields(document, options.fields); // what is wrong with them shows here
    kept += entry.value.length + KEPT_OVERHEAD;
    rows.push({ key: entry.key, entry: kept <= KEPT_BYTES ? entry : undefined });
  }
  return { rows, last, examined };
}

/** Judges a document in as many turns as its regular expressions need. */
async function matches(matcher: Matcher, document: RichDocument, patterns: PatternRuns, turns: Turns): Promise<boolean> {
  patterns.nextDocument();
  for (;;) {
    try {
      return matcher.matches(document, patterns);
    } catch (thrown) {
      if (!(thrown instanceof Suspended)) throw thrown;
    }
    do await turns.next();
    while (!patterns.advance());
  }
}

/** Undefined where no row lies in the range. The beginning of the range is the bookmark's, where there is one. */
function openScan(source: DocumentSource, plan: ChosenPlan, bookmark: Bookmark | undefined): DocumentScan | undefined {
  const { index, prefix, descending } = plan;
  if (prefix === 'nothing') return undefined;
  if (index === undefined) return scanOfAll(source, plan, bookmark);
  const range = { low: startKey(prefix), high: endKey(prefix), descending };
  if (bookmark === undefined) return source.indexed(index, range);
  const { key } = bookmark;
  const from = isArray(key) ? { key, document: typeof bookmark.document === 'string' ? bookmark.document : '' } : undefined;
  // What is no array comes before all keys, or, an object, after them.
  if (from === undefined && isObject(key) !== descending) return undefined;
  return source.indexed(index, { ...range, ...(descending ? { high: [] } : { low: [] }), from });
}

/** Ids come after everything that is no string, in Erlang's order of terms. */
function scanOfAll(source: DocumentSource, { prefix, descending }: ChosenPlan, bookmark: Bookmark | undefined): DocumentScan | undefined {
  const [range] = prefix === 'nothing' ? [] : prefix;
  let low: Bound = range === undefined ? LOWEST : range.low;
  let high: Bound = range === undefined ? HIGHEST : range.high;
  if (bookmark !== undefined && descending) high = bookmark.key;
  if (bookmark !== undefined && !descending) low = bookmark.key;
  if (high !== HIGHEST && typeof high !== 'string') return undefined;
  return source.documents({
    low: typeof low === 'string' ? low : undefined,
    high: high === HIGHEST ? undefined : high,
    descending,
  });
}

function positionOf({ index }: ChosenPlan, document: RichDocument): Bookmark {
  const { key } = document.entry;
  if (index === undefined) return { key, document: key };
  return { key: new IndexKeys({ columns: index.columns }).keyOf(document) ?? [], document: key };
}

/** @see maybe_add_warning in apache/couchdb 3.4, src/mango/src/mango_cursor.erl */
function warningOf(plan: ChosenPlan, { useIndex, fields }: QueryOptions, { rows, examined }: Found): string | undefined {
  const warnings: string[] = [];
  const [designDocument, name] = useIndex;
  const hint = designDocument?.replace(/^_design\//, '');
  if (plan.hintIgnored) {
    warnings.push(
      name === undefined
        ? `_design/${hint} was not used because it does not contain a valid index for this query.`
        : `_design/${hint}, ${name} was not used because it is not a valid index for this query.`,
    );
  }
  if (plan.index === undefined) warnings.push('No matching index found, create an index to optimize query time.');
  const read = covers(plan, fields) ? 0 : examined;
  if (read / Math.max(1, rows.length) > EXAMINED_PER_RESULT) {
    warnings.push(
      'The number of documents examined is high in proportion to the number of results returned. Consider adding a more specific index to improve this.',
    );
  }
  return warnings.length === 0 ? undefined : warnings.join('\n');
}

/** Whether CouchDB answers from the index alone, and looks at no document. */
function covers({ index }: ChosenPlan, fields: readonly JsonValue[] | undefined): boolean {
  if (index === undefined || fields === undefined) return false;
  return fields.every((field) => field === '_id' || (typeof field === 'string' && index.columns.includes(field)));
}
