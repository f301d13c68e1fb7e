import { createHash } from 'node:crypto';
import type { Condition } from './condition.ts';
import { Atom, encodeTerm, Tuple } from './erlang-external.ts';
import { erlangText } from './erlang-text.ts';
import type { JsonValue } from './json-value.ts';
import { selectorOf } from './normal-form.ts';
import { parseQueryJson } from './query-json.ts';
import { badRequest, refused } from './refusal.ts';
import { parseSort } from './sort.ts';

/** A JSON index as CouchDB understood its definition. */
export interface IndexDefinition {
  /** Without `_design/`. */
  readonly designDocument: string;
  readonly name: string;
  /** The columns as the definition names them: `price.amount`, `a\.b` for a member whose name has a point. May be empty. */
  readonly columns: readonly string[];
  /** Of a partial index: the documents that it holds, in normal form. */
  readonly partialFilter?: Condition | undefined;
}

/**
 * An index file as CouchDB takes it. Its names are made of the definition where it has none.
 * @throws {SelvageError} `SIMULATION_FAILED` with CouchDB's text; `details` has status, error and reason
 * @see validate_idx_create in apache/couchdb 3.4, src/mango/src/mango_opts.erl, and mango_idx.erl
 */
export function parseIndexDefinition(text: string): IndexDefinition {
  const body = parseQueryJson(text);
  if (!(body instanceof Map)) throw badRequest('bad_request', 'Request body must be a JSON object');
  const request = new Map(body as ReadonlyMap<string, JsonValue>);
  const options = optionsOf(request);
  const [unknown] = request.keys();
  if (unknown !== undefined) throw invalidKey(unknown);
  checkType(options.type);
  const { columns, partialFilter } = parseIndex(options.def);
  if (options.partitioned === true)
    throw refused({
      status: 500,
      error: 'error_saving_ddoc',
      reason: 'Unknown error while saving the design document: invalid_design_doc',
    });
  const name = options.name ?? generatedName(options);
  const designDocument = options.ddoc?.replace(/^_design\//, '') ?? generatedName(options);
  return { designDocument, name, columns, partialFilter };
}

interface IndexOptions {
  readonly def: JsonValue;
  readonly type: string;
  readonly name: string | undefined;
  readonly ddoc: string | undefined;
  readonly w: bigint;
  readonly partitioned: boolean | undefined;
}

/** Takes the members that it knows out of the request, in the order in which CouchDB looks at them. */
function optionsOf(request: Map<string, JsonValue>): IndexOptions {
  const take = (name: string): JsonValue | undefined => {
    const value = request.get(name);
    request.delete(name);
    return value;
  };
  const def = take('index');
  if (def === undefined) throw badRequest('missing_required_key', 'Missing required key: index');
  const type = asString(take('type')) ?? 'json';
  const name = nonEmpty(take('name'));
  const ddoc = nonEmpty(take('ddoc'));
  const given = take('w');
  const w = given === undefined ? 2n : given;
  if (typeof w !== 'bigint' || w <= 0n) throw badRequest('invalid_pos_integer', `${erlangText(w)} is not an integer greater than zero`);
  const partitioned = take('partitioned');
  if (partitioned !== undefined && typeof partitioned !== 'boolean')
    throw refused({
      status: 500,
      error: 'unknown_error',
      reason: `Unknown Error: mango_opts :: {invalid_partitioned_value,${erlangText(partitioned)}}`,
    });
  return { def, type, name, ddoc, w, partitioned };
}

function asString(value: JsonValue | undefined): string | undefined {
  if (value !== undefined && typeof value !== 'string') throw badRequest('invalid_string', `Invalid string: ${erlangText(value)}`);
  return value;
}

function nonEmpty(value: JsonValue | undefined): string | undefined {
  if (value === '') throw badRequest('invalid_empty_string', 'Index name or ddoc cannot be empty string');
  return asString(value);
}

function checkType(type: string): void {
  if (type === 'text' || type === 'nouveau') throw refused({ status: 503, error: 'required index service unavailable', reason: type });
  if (type !== 'json') throw badRequest('invalid_index', `Invalid type for index: ${type}`);
}

function parseIndex(definition: JsonValue): Pick<IndexDefinition, 'columns' | 'partialFilter'> {
  if (!(definition instanceof Map)) throw badRequest('invalid_index', `JSON indexes must be an object, not: ${erlangText(definition)}`);
  const members = definition as ReadonlyMap<string, JsonValue>;
  const fields = members.get('fields');
  if (fields === undefined) throw badRequest('missing_required_key', 'Missing required key: fields');
  const columns = parseSort(fields).map(({ name }) => name);
  const filter = members.get('partial_filter_selector');
  const condition = filter === undefined ? undefined : selectorOf(filter);
  const unknown = [...members.keys()].find((name) => name !== 'fields' && name !== 'partial_filter_selector');
  if (unknown !== undefined) throw invalidKey(unknown);
  return { columns, partialFilter: condition?.kind === 'everything' ? undefined : condition };
}

const invalidKey = (name: string) => badRequest('invalid_key', `Invalid key ${name} for this request.`);

/** SHA-1 of the Erlang term that CouchDB has of the request, in hex. */
function generatedName({ def, type, name, ddoc, w, partitioned }: IndexOptions): string {
  const option = (tag: string, value: JsonValue | Atom): Tuple => new Tuple(new Atom(tag), value);
  const named = (given: string | undefined): JsonValue | Atom => given ?? new Atom('auto_name');
  const term = new Tuple(def, [
    option('ddoc', named(ddoc)),
    option('def', def),
    option('name', named(name)),
    option('partitioned', partitioned ?? new Atom('db_default')),
    option('type', type),
    option('w', w),
  ]);
  return createHash('sha1').update(Uint8Array.of(0x83)).update(encodeTerm(term)).digest('hex');
}
