import { collate } from './collation.ts';
import { FREE, type Spend } from './effort.ts';
import { isArray, isObject, type JsonValue, LEAST_DOUBLE, membersOf } from './json-value.ts';

/**
 * CouchDB's order of values: null, false, true, numbers, strings, arrays, objects. Numbers by their exact value, strings as ICU's root
 * collation has them, arrays by their elements and objects by their members in order, name and value; then the shorter one first.
 * Without recursion: documents may be nested as deep as their writer likes.
 * @param spend is told of what is in arrays and objects, as far as it is looked at
 */
export function compareValues(a: JsonValue, b: JsonValue, spend: Spend = FREE): number {
  const order = compareFlat(a, b);
  if (order !== 0 || typeof a !== 'object' || a === null) return order;
  const left: JsonValue[] = [];
  const right: JsonValue[] = [];
  spend(expand(a, left) + expand(b, right));
  // Both hold what is still to be compared, first at the end, and after the parts of each container a mark of its end.
  for (;;) {
    const one = left.pop();
    const other = right.pop();
    if (one === END || other === END) {
      if (one !== other) return one === END ? -1 : 1;
      continue;
    }
    if (one === undefined || other === undefined) return 0;
    const part = compareFlat(one, other);
    if (part !== 0) return part;
    if (typeof one === 'object' && one !== null) {
      spend(expand(one, left) + expand(other, right));
    } else if (typeof one === 'string') spend(one.length >> 4);
  }
}

/** The order of two prefixes of index keys. */
export function compareKeys(a: readonly JsonValue[], b: readonly JsonValue[]): number {
  for (const [at, value] of a.entries()) {
    const other = b[at];
    if (other === undefined) return 1;
    const order = compareValues(value, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Never met in JSON, since it is one object that nobody else holds. */
const END: JsonValue = new Map();

/** @returns steps: one for each part that it puts on the stack, and two where they have to be put into order before */
function expand(value: JsonValue, stack: JsonValue[]): number {
  const before = stack.length;
  stack.push(END);
  if (isArray(value)) {
    for (let at = value.length - 1; at >= 0; at -= 1) stack.push(value[at] ?? null);
  } else if (isObject(value)) {
    for (const [name, item] of [...membersOf(value)].reverse()) stack.push(item, name);
  }
  return (isArray(value) ? 1 : 2) * (stack.length - before);
}

/** Containers of one kind are equal here. */
function compareFlat(a: JsonValue, b: JsonValue): number {
  if (typeof a === 'string' && typeof b === 'string') return collate(a, b);
  const rankA = rankOf(a);
  const rankB = rankOf(b);
  if (rankA !== rankB) return rankA - rankB;
  return rankA === NUMBER ? compareNumbers(a as number | bigint, b as number | bigint) : 0;
}

const NUMBER = 3;

function rankOf(value: JsonValue): number {
  switch (typeof value) {
    case 'boolean':
      return value ? 2 : 1;
    case 'number':
    case 'bigint':
      return NUMBER;
    case 'string':
      return 4;
    default:
      return value === null ? 0 : isArray(value) ? 5 : 6;
  }
}

/** Exact also between integers of any size and doubles: JavaScript's own comparison of the two kinds is. */
function compareNumbers(a: number | bigint, b: number | bigint): number {
  const left = asStored(a);
  const right = asStored(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

const asStored = (value: number | bigint): number | bigint => (value === LEAST_DOUBLE || value === -LEAST_DOUBLE ? 0 : value);
