import type { Condition } from './condition.ts';
import { erlangText } from './erlang-text.ts';
import { isArray, type JsonValue } from './json-value.ts';
import { selectorOf } from './normal-form.ts';
import { badRequest, refused } from './refusal.ts';
import { parseSort, type SortField } from './sort.ts';

/** A request to `_find` whose members are all good. */
export interface QueryOptions {
  /** In normal form. */
  readonly selector: Condition;
  /** One design document, or that and a name; empty without a hint. */
  readonly useIndex: readonly string[];
  readonly bookmark: string | undefined;
  readonly limit: number;
  readonly skip: number;
  readonly sort: readonly SortField[];
  /** Names of fields, or undefined for whole documents. An object passes here and fails when a document is looked at. */
  readonly fields: readonly JsonValue[] | undefined;
}

/** What CouchDB returns of a query that names no limit. */
const DEFAULT_LIMIT = 25n;

/**
 * The members of a request, in the order in which CouchDB looks at them: the first bad one is reported.
 * @throws {SelvageError} `SIMULATION_FAILED` with CouchDB's text
 * @see validate_find in apache/couchdb 3.4, src/mango/src/mango_opts.erl
 */
export function parseQueryOptions(body: JsonValue): QueryOptions {
  if (!(body instanceof Map)) throw badRequest('bad_request', 'Request body must be a JSON object');
  const request = new Map(body as ReadonlyMap<string, JsonValue>);
  const take = (name: string): JsonValue | undefined => {
    const value = request.get(name);
    request.delete(name);
    return value;
  };
  const taken = (name: string, orElse: JsonValue): JsonValue => {
    const value = take(name);
    return value === undefined ? orElse : value; // null is a value
  };
  const selector = take('selector');
  if (selector === undefined) throw badRequest('missing_required_key', 'Missing required key: selector');
  const options: QueryOptions = {
    selector: selectorOf(selector),
    useIndex: useIndexOf(take('use_index')),
    bookmark: bookmarkOf(take('bookmark')),
    limit: nonNegative(taken('limit', DEFAULT_LIMIT)),
    skip: nonNegative(taken('skip', 0n)),
    sort: parseSort(taken('sort', [])),
    fields: fieldsOf(taken('fields', [])),
  };
  checkPartition(taken('partition', ''));
  checkPositive(taken('r', 1n));
  checkBoolean(taken('conflicts', false));
  checkStale(taken('stale', false));
  for (const name of ['update', 'stable', 'execution_stats']) checkBoolean(taken(name, false));
  const [unknown] = request.keys();
  if (unknown !== undefined) throw badRequest('invalid_key', `Invalid key ${unknown} for this request.`);
  return options;
}

/** What CouchDB has no words for. */
const unknownError = (what: string, value: JsonValue) =>
  refused({ status: 500, error: 'unknown_error', reason: `Unknown Error: mango_opts :: {${what},${erlangText(value)}}` });

/** `d` and `_design/d` name a design document, `d/n` one index of it. */
function useIndexOf(value: JsonValue | undefined): readonly string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') {
    const slash = value.indexOf('/');
    if (slash < 0) return [value];
    const names = [value.slice(0, slash), value.slice(slash + 1)];
    return names[0] === '_design' ? names.slice(1) : names;
  }
  if (isArray(value) && value.length <= 2 && value.every((name): name is string => typeof name === 'string')) return value;
  throw unknownError('invalid_index_name', value);
}

function bookmarkOf(value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw unknownError('invalid_bookmark', value);
  return value;
}

function nonNegative(value: JsonValue): number {
  if (typeof value !== 'bigint' || value < 0n)
    throw badRequest('invalid_non_neg_integer', `${erlangText(value)} is not an integer greater than or equal to zero`);
  return Number(value);
}

function fieldsOf(value: JsonValue): readonly JsonValue[] | undefined {
  if (!isArray(value)) throw badRequest('invalid_fields', `Fields must be an array of strings, not: ${erlangText(value)}`);
  const bad = value.find((field) => typeof field !== 'string' && !(field instanceof Map));
  if (bad !== undefined) throw badRequest('invalid_field', `Invalid JSON for field spec: ${erlangText(bad)}`);
  return value.length === 0 ? undefined : value;
}

function checkPartition(value: JsonValue): void {
  if (typeof value !== 'string') throw badRequest('illegal_partition', 'Partition must be a string');
  if (value !== '') throw badRequest('bad_request', 'partition specified on non-partitioned db');
}

function checkPositive(value: JsonValue): void {
  if (typeof value !== 'bigint' || value <= 0n)
    throw badRequest('invalid_pos_integer', `${erlangText(value)} is not an integer greater than zero`);
}

function checkBoolean(value: JsonValue): void {
  if (typeof value !== 'boolean') throw badRequest('invalid_boolean', `Invalid boolean value: ${erlangText(value)}`);
}

function checkStale(value: JsonValue): void {
  if (value !== 'ok' && value !== 'false' && value !== false) throw unknownError('invalid_ok_or_false_value', value);
}
