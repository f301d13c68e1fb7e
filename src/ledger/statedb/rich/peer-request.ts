import { compareUtf8 } from '../../../common/bytes.ts';
import { SelvageError } from '../../../common/errors.ts';
import { goJson, NumberText } from './go-json.ts';
import { type JsonDialect, JsonReader } from './json-reader.ts';
import type { JsonValue } from './json-value.ts';
import { checkDepth } from './query-depth.ts';
import { queryNumber } from './query-json.ts';
import { parseQueryOptions, type QueryOptions } from './query-options.ts';
import { beyondBounds } from './refusal.ts';
import type { Turns } from './turns.ts';

/** What the peer puts into every query. */
export interface QueryAdditions {
  /** Results of this request, at most. */
  readonly limit: number;
  /** Replaces the query's own if it is not empty. */
  readonly bookmark: string;
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

/** A query as the peer sends it on to CouchDB. */
export class PeerRequest {
  readonly #members: Map<string, GoValue>;

  private constructor(members: Map<string, GoValue>) {
    this.#members = members;
  }

  /**
   * Reads a query as Go's JSON decoder does, up to the end of its first value, in as many turns as it needs.
   * @throws {SelvageError} `SIMULATION_FAILED` with Go's text, or with a sentence if it is longer or deeper than is possible here
   * @see applyAdditionalQueryOptions in hyperledger/fabric v2.5, statecouchdb/statecouchdb.go
   */
  static async read(query: string, turns: Turns): Promise<PeerRequest> {
    if (query.length > MAX_LENGTH) throw beyondBounds(`it has ${query.length} characters, at most ${MAX_LENGTH} are possible`);
    const members = membersOf(await firstValue(query, turns));
    checkDepth(members);
    const fields = members.get('fields');
    if (fields === undefined) return new PeerRequest(members);
    if (!Array.isArray(fields)) throw refused('fields definition must be an array');
    return new PeerRequest(members.set('fields', [...fields, '_id', '~version']));
  }

  /** What CouchDB makes of it. @throws {SelvageError} `SIMULATION_FAILED` with CouchDB's text */
  options(additions: QueryAdditions): QueryOptions {
    return parseQueryOptions(asCouchDbReads(this.#with(additions)));
  }

  /** The text that is sent, which logs show. */
  text(additions: QueryAdditions): string {
    return goJson(this.#with(additions));
  }

  #with({ limit, bookmark }: QueryAdditions): Map<string, GoValue> {
    const request = new Map(this.#members).set('limit', new NumberText(String(limit)));
    return bookmark === '' ? request : request.set('bookmark', bookmark);
  }
}

/** Characters of a query: more takes too long to be read. */
const MAX_LENGTH = 1024 * 1024;

/** Members are sorted by their bytes on the way, and numbers are read anew. */
function asCouchDbReads(value: GoValue): JsonValue {
  if (value instanceof NumberText) return queryNumber(value.text);
  if (Array.isArray(value)) return value.map(asCouchDbReads);
  if (!(value instanceof Map)) return value;
  return new Map(sorted(value).map(([name, item]) => [name, asCouchDbReads(item)]));
}

const sorted = (members: ReadonlyMap<string, GoValue>): readonly (readonly [string, GoValue])[] =>
  [...members].sort(([a], [b]) => compareUtf8(a, b));

function membersOf(value: GoValue): Map<string, GoValue> {
  if (value instanceof Map) return value;
  if (value === null) throw refused('panic during execution');
  const kind = Array.isArray(value) ? 'array' : value instanceof NumberText ? 'number' : typeof value === 'boolean' ? 'bool' : 'string';
  throw refused(`json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`);
}

async function firstValue(query: string, turns: Turns): Promise<GoValue> {
  const reading = new JsonReader(query, GO).reading();
  try {
    for (let step = reading.next(); ; step = reading.next()) {
      if (step.done === true) return step.value;
      if (turns.due) await turns.next();
    }
  } catch (thrown) {
    const { code, message } = SelvageError.from(thrown);
    throw code === 'MALFORMED' ? refused(message) : thrown;
  }
}

const refused = (text: string): SelvageError => new SelvageError('SIMULATION_FAILED', text);
