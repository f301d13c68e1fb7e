/**
 * A JSON value as rich queries see it. What a query holds comes from `parseQueryJson`: an integer literal is a `bigint`, one with
 * a point or an exponent a `number`, an object a `Map` in the order in which it was sent. What a document holds comes from
 * `parseDocument`: numbers are doubles (one that is whole and below 1e21 counts as an integer, as its digits are printed), an
 * object is a plain one whose members count in the order of their UTF-8 bytes.
 */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonObject;

export type JsonObject = ReadonlyMap<string, JsonValue> | { readonly [name: string]: JsonValue };
