import { compareUtf8 } from '../../../common/bytes.ts';
import { LEAST_DOUBLE } from './json-value.ts';

/** A number as it stands in a text. */
export class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What can be written: numbers as values, or as they stood in a text. */
export type GoJsonValue =
  | null
  | boolean
  | number
  | bigint
  | NumberText
  | string
  | readonly GoJsonValue[]
  | ReadonlyMap<string, GoJsonValue>
  | { readonly [name: string]: GoJsonValue };

/**
 * JSON as Go's encoding/json marshals a map: members sorted by their bytes at every level, no white space, `<`, `>` and `&` escaped.
 * Without recursion, so that no value is too deep for it.
 */
export function goJson(value: GoJsonValue): string {
  const parts: string[] = [];
  const todo: Todo[] = [{ value }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (typeof next === 'string') parts.push(next);
    else open(next.value, parts, todo);
  }
  return parts.join('');
}

/** What is still to be written, the last one first: text as it is, or a value. */
type Todo = string | { readonly value: GoJsonValue };

/** Writes a scalar, or the beginning of a container whose rest is still to be written. */
function open(value: GoJsonValue, parts: string[], todo: Todo[]): void {
  if (typeof value === 'string') parts.push(goString(value));
  else if (typeof value === 'number') parts.push(doubleText(value));
  else if (typeof value !== 'object' || value === null) parts.push(String(value));
  else if (Array.isArray(value)) {
    const items = value as readonly GoJsonValue[];
    parts.push('[');
    todo.push(']');
    for (let at = items.length - 1; at >= 0; at -= 1) {
      todo.push({ value: items[at] ?? null });
      if (at > 0) todo.push(',');
    }
  } else if (value instanceof NumberText) parts.push(value.text);
  else {
    const members = (value instanceof Map ? [...value] : Object.entries(value)) as [string, GoJsonValue][];
    members.sort(([a], [b]) => compareUtf8(b, a));
    parts.push('{');
    todo.push('}');
    for (const [at, [name, item]] of members.entries()) {
      if (at > 0) todo.push(',');
      todo.push({ value: item }, `${goString(name)}:`);
    }
  }
}

/** As `Number.prototype.toString` prints a double; but the least one of all comes back from CouchDB as a zero. */
const doubleText = (value: number): string => (Math.abs(value) === LEAST_DOUBLE ? (value < 0 ? '-0.0' : '0.0') : String(value));

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has to escape them
const ESCAPED = /[\u0000-\u001f"\\<>&\u2028\u2029]/g;
const SHORT = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

const goString = (text: string): string =>
  `"${text.toWellFormed().replace(ESCAPED, (mark) => SHORT.get(mark) ?? `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;
