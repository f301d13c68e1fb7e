import { BAD_PATH, fieldPath, NOT_FOUND, valueAt } from './field-path.ts';
import { isArray, type JsonValue } from './json-value.ts';
import { refused } from './refusal.ts';
import type { RichDocument } from './rich-document.ts';

/**
 * The chosen fields of a document, in the order of their names; what it does not have is left out.
 * @throws {SelvageError} CouchDB's `invalid_field_name`, or its `badarg` for a name that is an object
 */
export function projectFields(document: RichDocument, fields: readonly JsonValue[]): ReadonlyMap<string, JsonValue> {
  const result = new Map<string, JsonValue>();
  for (const field of fields) {
    if (typeof field !== 'string') throw refused({ status: 500, error: 'unknown_error', reason: 'badarg' });
    const path = fieldPath(field);
    const value = valueAt(document, path);
    if (value !== NOT_FOUND && value !== BAD_PATH) put(result, path, value);
  }
  return result;
}

/** Members on the way are made; indexes of arrays become names. What was put whole already has all that lies in it. */
function put(into: Map<string, JsonValue>, [name, ...rest]: readonly string[], value: JsonValue): void {
  if (name === undefined) return;
  if (rest.length === 0) {
    into.set(name, value);
    return;
  }
  const inside = into.get(name);
  if (inside === undefined) {
    const made = new Map<string, JsonValue>();
    into.set(name, made);
    put(made, rest, value);
  } else if (inside instanceof Map && !isArray(inside)) put(inside as Map<string, JsonValue>, rest, value);
}
