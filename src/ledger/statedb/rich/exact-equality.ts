import type { Spend } from './effort.ts';
import { isArray, isObject, type JsonValue, LEAST_DOUBLE, membersOf } from './json-value.ts';

/** Erlang's `=:=`: an integer is no double, strings by their bytes, members in their order. The first value is a document's. */
export const equalExactly = (stored: JsonValue, argument: JsonValue, spend: Spend): boolean => equal(stored, argument, sameNumber, spend);

/** Erlang's `==`: the same, but an integer may equal a double. */
export const equalLoosely = (a: JsonValue, b: JsonValue, spend: Spend): boolean => equal(a, b, sameAmount, spend);

type SameNumber = (a: number | bigint, b: number | bigint) => boolean;

function equal(a: JsonValue, b: JsonValue, same: SameNumber, spend: Spend): boolean {
  const todo: (readonly [JsonValue, JsonValue])[] = [[a, b]];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const [one, other] = next;
    if (isNumber(one) && isNumber(other)) {
      if (!same(one, other)) return false;
    } else if (isArray(one) && isArray(other)) {
      if (one.length !== other.length) return false;
      spend(one.length);
      for (const [at, item] of one.entries()) todo.push([item, other[at] ?? null]);
    } else if (isObject(one) && isObject(other)) {
      const left = membersOf(one);
      const right = membersOf(other);
      spend(2 * (left.length + right.length)); // they were put into order
      if (left.length !== right.length) return false;
      for (const [at, [name, item]] of left.entries()) {
        const [otherName, otherItem = null] = right[at] ?? [];
        if (name !== otherName) return false;
        todo.push([item, otherItem]);
      }
    } else if (one !== other) return false;
  }
  return true;
}

const isNumber = (value: JsonValue): value is number | bigint => typeof value === 'number' || typeof value === 'bigint';

const asStored = (value: number | bigint): number | bigint => (value === LEAST_DOUBLE || value === -LEAST_DOUBLE ? 0 : value);

/** A document's whole number is an integer, and a query's is one if it is a bigint. */
function sameNumber(stored: number | bigint, argument: number | bigint): boolean {
  const isStoredInteger = typeof stored === 'bigint' || Number.isSafeInteger(stored);
  if (isStoredInteger !== (typeof argument === 'bigint')) return false;
  return sameAmount(stored, argument);
}

/** Exact, also between an integer and a double. */
function sameAmount(a: number | bigint, b: number | bigint): boolean {
  const [one, other] = [asStored(a), asStored(b)];
  return !(one < other) && !(one > other);
}
