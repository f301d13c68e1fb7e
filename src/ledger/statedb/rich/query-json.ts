import { SelvageError } from '../../../common/errors.ts';
import { type JsonDialect, JsonReader } from './json-reader.ts';
import type { JsonValue } from './json-value.ts';
import { badRequest, beyondBounds } from './refusal.ts';

/** More digits than any number in use; CouchDB knows no bound. */
const MAX_DIGITS = 4096;

const COUCHDB: JsonDialect<JsonValue> = {
  literal: (value) => value,
  number: (text) => {
    if (text.length > MAX_DIGITS) throw beyondBounds(`a number of ${text.length} digits, at most ${MAX_DIGITS} are possible`);
    if (!/[.eE]/.test(text)) return BigInt(text);
    const value = Number(text);
    if (!Number.isFinite(value)) throw new SelvageError('MALFORMED', 'a number beyond doubles');
    return value;
  },
  string: (value) => value,
  array: (items) => items,
  object: (members) => members,
  broken: () => {
    throw new SelvageError('MALFORMED', 'half of a surrogate pair');
  },
};

/**
 * JSON as CouchDB reads the body of a request: integers exact, of any size; numbers with a point or an exponent as doubles.
 * @throws {SelvageError} `SIMULATION_FAILED` with CouchDB's `bad_request`
 */
export function parseQueryJson(text: string): JsonValue {
  try {
    const reader = new JsonReader(text, COUCHDB);
    const value = reader.first();
    if (reader.atEnd) return value;
  } catch (thrown) {
    if (SelvageError.from(thrown).code !== 'MALFORMED') throw thrown;
  }
  throw badRequest('bad_request', 'invalid UTF-8 JSON');
}
