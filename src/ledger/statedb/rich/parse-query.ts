import { isArray, isObject, type JsonValue } from './json-value.ts';
import { parseQueryJson } from './query-json.ts';
import { parseQueryOptions, type QueryOptions } from './query-options.ts';
import { beyondBounds } from './refusal.ts';

/** Bytes of a query, about: more takes too long to be read. */
const MAX_LENGTH = 1024 * 1024;
/** Nesting of a query. */
const MAX_DEPTH = 500;

/**
 * A request as CouchDB reads it.
 * @throws {SelvageError} `SIMULATION_FAILED` with CouchDB's text, or with a sentence if it is longer or deeper than is possible here
 */
export function parseQuery(request: string): QueryOptions {
  if (request.length > MAX_LENGTH) throw beyondBounds(`it has ${request.length} characters, at most ${MAX_LENGTH} are possible`);
  const body = parseQueryJson(request);
  checkDepth(body);
  return parseQueryOptions(body);
}

function checkDepth(body: JsonValue): void {
  let level: JsonValue[] = [body];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) throw beyondBounds(`it is nested more than ${MAX_DEPTH} levels deep`);
    level = level.flatMap(partsOf);
  }
}

function partsOf(value: JsonValue): JsonValue[] {
  const parts = isArray(value) ? value : isObject(value) && value instanceof Map ? [...(value.values() as Iterable<JsonValue>)] : [];
  return parts.filter((part) => typeof part === 'object' && part !== null);
}
