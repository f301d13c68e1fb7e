import { compareUtf8 } from '../../../common/bytes.ts';
import { SelvageError } from '../../../common/errors.ts';
import { goString } from './document-json.ts';
import { type JsonDialect, JsonReader } from './json-reader.ts';

/** What the peer puts into every query. */
export interface QueryAdditions {
  /** Results of this request, at most. */
  readonly limit: number;
  /** Replaces the query's own if it is not empty. */
  readonly bookmark: string;
}

/** A number as it stands in the text. */
class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type GoValue = null | boolean | string | NumberText | GoValue[] | Map<string, GoValue>;

const GO: JsonDialect<GoValue> = {
  literal: (value) => value,
  number: (text) => new NumberText(text),
  string: (value) => value,
  array: (items) => items,
  object: (members) => members,
  broken: (value) => value.toWellFormed(),
};

/**
 * The query as the peer sends it on: read by Go's JSON decoder, up to the end of its first value, with limit, bookmark and the fields
 * that the peer needs; members sorted by their bytes.
 * @throws {SelvageError} `SIMULATION_FAILED` with Go's text
 * @see applyAdditionalQueryOptions in hyperledger/fabric v2.5, statecouchdb/statecouchdb.go
 */
export function rewriteQuery(query: string, { limit, bookmark }: QueryAdditions): string {
  const request = parsed(query);
  const fields = request.get('fields');
  if (fields !== undefined) {
    if (!Array.isArray(fields)) throw refused('fields definition must be an array');
    request.set('fields', [...fields, '_id', '~version']);
  }
  request.set('limit', new NumberText(String(limit)));
  if (bookmark !== '') request.set('bookmark', bookmark);
  return written(request);
}

function parsed(query: string): Map<string, GoValue> {
  const value = firstValue(query);
  if (value instanceof Map) return value;
  if (value === null) throw refused('panic during execution');
  const kind = Array.isArray(value) ? 'array' : value instanceof NumberText ? 'number' : typeof value === 'boolean' ? 'bool' : 'string';
  throw refused(`json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`);
}

function firstValue(query: string): GoValue {
  try {
    return new JsonReader(query, GO).first();
  } catch (thrown) {
    const { code, message } = SelvageError.from(thrown);
    throw code === 'MALFORMED' ? refused(message) : thrown;
  }
}

const refused = (text: string): SelvageError => new SelvageError('SIMULATION_FAILED', text);

/** Without recursion. */
function written(value: GoValue): string {
  const parts: string[] = [];
  const todo: (string | { readonly value: GoValue })[] = [{ value }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (typeof next === 'string') parts.push(next);
    else write(next.value, parts, todo);
  }
  return parts.join('');
}

function write(value: GoValue, parts: string[], todo: (string | { readonly value: GoValue })[]): void {
  if (typeof value === 'string') parts.push(goString(value));
  else if (value instanceof NumberText) parts.push(value.text);
  else if (Array.isArray(value)) {
    parts.push('[');
    todo.push(']');
    for (const [at, item] of [...value.entries()].reverse()) {
      todo.push({ value: item });
      if (at > 0) todo.push(',');
    }
  } else if (value instanceof Map) {
    const members = [...value].sort(([a], [b]) => compareUtf8(b, a));
    parts.push('{');
    todo.push('}');
    for (const [at, [name, item]] of members.entries()) {
      if (at > 0) todo.push(',');
      todo.push({ value: item }, `${goString(name)}:`);
    }
  } else parts.push(String(value));
}
