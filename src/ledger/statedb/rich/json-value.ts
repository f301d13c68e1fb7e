import { compareUtf8 } from '../../../common/bytes.ts';

/**
 * A JSON value as rich queries see it. What a query holds comes from `parseQueryJson`: an integer literal is a `bigint`, one with
 * a point or an exponent a `number`, an object a `Map` in the order in which it was sent. What a document holds comes from
 * `RichDocument`: a number that is whole counts as an integer, a `bigint` where a double would not have its digits, and an
 * object is a plain one whose members count in the order of their UTF-8 bytes.
 */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonObject;

export type JsonObject = ReadonlyMap<string, JsonValue> | { readonly [name: string]: JsonValue };

export const isArray = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);

export const isObject = (value: JsonValue): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The members in the order in which they count. */
export function membersOf(object: JsonObject): readonly (readonly [name: string, value: JsonValue])[] {
  if (object instanceof Map) return [...(object as ReadonlyMap<string, JsonValue>)];
  return Object.entries(object as { readonly [name: string]: JsonValue }).sort(([a], [b]) => compareUtf8(a, b));
}

/** A member's value, undefined without it; `__proto__` and `constructor` are names like others. */
export function memberOf(object: JsonObject, name: string): JsonValue | undefined {
  if (object instanceof Map) return object.get(name);
  return Object.hasOwn(object, name) ? (object as { readonly [name: string]: JsonValue })[name] : undefined;
}

/** What CouchDB makes of the least double of all: zero. */
export const LEAST_DOUBLE = 5e-324;

/** Whether Erlang holds it as an integer: a document's whole numbers are. */
export const isInteger = (value: JsonValue): value is number | bigint =>
  typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value));
