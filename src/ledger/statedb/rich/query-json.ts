import { SelvageError } from '../../../common/errors.ts';
import { type JsonDialect, JsonReader } from './json-reader.ts';
import type { JsonValue } from './json-value.ts';
import { checkDepth } from './query-depth.ts';
import { badRequest, beyondBounds } from './refusal.ts';

/** More digits than any number in use; CouchDB knows no bound. */
const MAX_DIGITS = 4096;

const COUCHDB: JsonDialect<JsonValue> = {
  literal: (value) => value,
  number: queryNumber,
  string: (value) => value,
  array: (items) => items,
  object: (members) => members,
  broken: () => {
    throw invalidJson();
  },
};

/** @throws {SelvageError} `SIMULATION_FAILED` with CouchDB's `bad_request` for one beyond doubles */
export function queryNumber(text: string): number | bigint {
  if (text.length > MAX_DIGITS) throw beyondBounds(`a number of ${text.length} digits, at most ${MAX_DIGITS} are possible`);
  if (!/[.eE]/.test(text)) return BigInt(text);
  const value = Number(text);
  if (!Number.isFinite(value)) throw invalidJson();
  return value;
}

const invalidJson = (): SelvageError => badRequest('bad_request', 'invalid UTF-8 JSON');

/**
 * JSON as CouchDB reads the body of a request: integers exact, of any size; numbers with a point or an exponent as doubles.
 * @throws {SelvageError} `SIMULATION_FAILED` with CouchDB's `bad_request`, or with a sentence if it is too deep
 */
export function parseQueryJson(text: string): JsonValue {
  try {
    const reader = new JsonReader(text, COUCHDB);
    const value = reader.first();
    checkDepth(value);
    if (reader.atEnd) return value;
  } catch (thrown) {
    if (SelvageError.from(thrown).code !== 'MALFORMED') throw thrown;
  }
  throw invalidJson();
}
