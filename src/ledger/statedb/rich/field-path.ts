import { isArray, isObject, type JsonValue, memberOf } from './json-value.ts';
import { badRequest } from './refusal.ts';
import { RichDocument } from './rich-document.ts';

/** A member that is missing in an object. */
export const NOT_FOUND = Symbol('not found');
/** A way that leads nowhere: into a scalar, or past the end of an array. */
export const BAD_PATH = Symbol('bad path');

/**
 * The names that a field's name is made of: parts between points that have no backslash before them, without their backslashes.
 * @throws {SelvageError} CouchDB's `invalid_field_name` for an empty part
 */
export function fieldPath(name: string): readonly string[] {
  const parts = name.split(/(?<!\\)\./);
  if (parts.includes('')) throw badRequest('invalid_field_name', `Invalid field name: ${name}`);
  return parts.map((part) => part.replaceAll('\\', ''));
}

/** The value that a path leads to. */
export function valueAt(start: RichDocument | JsonValue, path: readonly string[]): JsonValue | typeof NOT_FOUND | typeof BAD_PATH {
  let value: JsonValue;
  let at = 0;
  if (start instanceof RichDocument) {
    const [first] = path;
    if (first === undefined) return start.whole;
    const member = start.member(first);
    if (member === undefined) return NOT_FOUND;
    value = member;
    at = 1;
  } else value = start;
  for (; at < path.length; at += 1) {
    const next = step(value, path[at] ?? '');
    if (next === NOT_FOUND || next === BAD_PATH) return next;
    value = next;
  }
  return value;
}

function step(value: JsonValue, name: string): JsonValue | typeof NOT_FOUND | typeof BAD_PATH {
  if (isArray(value))
    return /^[+-]?\d+$/.test(name) ? (value[Number(name)] ?? (Object.hasOwn(value, Number(name)) ? null : BAD_PATH)) : BAD_PATH;
  if (!isObject(value)) return BAD_PATH;
  const member = memberOf(value, name);
  return member === undefined ? NOT_FOUND : member;
}
