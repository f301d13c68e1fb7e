/** Why bytes that mean the same can differ. */
import { equalBytes } from '../../src/common/bytes.ts';

export type Difference = 'explicit default values' | 'order of fields or map entries';

/**
 * Explains how a message written by somebody else differs from the canonical form of the same message.
 * @returns undefined where something else than spelled-out defaults and order differs
 */
export function differenceOf(theirs: Uint8Array, canonical: Uint8Array): Difference | undefined {
  const shorter = withoutDefaults(theirs, canonical);
  if (shorter === undefined) return undefined;
  if (equalBytes(shorter, canonical)) return 'explicit default values';
  return sameFields(shorter, canonical) ? 'order of fields or map entries' : undefined;
}

interface Field {
  readonly number: number;
  readonly wireType: number;
  /** Tag, length and content. */
  readonly whole: Uint8Array;
  readonly tag: Uint8Array;
  readonly content: Uint8Array;
}

/** The fields of one message, or undefined where the bytes are none. */
function fieldsOf(bytes: Uint8Array): readonly Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at;
    const [key, afterKey] = varint(bytes, at) ?? [];
    if (key === undefined || afterKey === undefined) return undefined;
    const end = endOf(bytes, afterKey, key & 7);
    if (end === undefined || end.end > bytes.length) return undefined;
    fields.push({
      number: key >>> 3,
      wireType: key & 7,
      whole: bytes.subarray(start, end.end),
      tag: bytes.subarray(start, afterKey),
      content: bytes.subarray(end.content, end.end),
    });
    at = end.end;
  }
  return fields;
}

function endOf(bytes: Uint8Array, at: number, wireType: number): { readonly content: number; readonly end: number } | undefined {
  if (wireType === 1) return { content: at, end: at + 8 };
  if (wireType === 5) return { content: at, end: at + 4 };
  const [value, after] = varint(bytes, at) ?? [];
  if (value === undefined || after === undefined) return undefined;
  if (wireType === 0) return { content: at, end: after };
  return wireType === 2 ? { content: after, end: after + value } : undefined;
}

function varint(bytes: Uint8Array, from: number): readonly [value: number, after: number] | undefined {
  let value = 0;
  for (let at = from; at < Math.min(bytes.length, from + 10); at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * (at - from));
    if (byte < 0x80) return [value, at + 1];
  }
  return undefined;
}

/** `theirs` without the defaults that `canonical` does not have; undefined where one of them has something else than the other. */
function withoutDefaults(theirs: Uint8Array, canonical: Uint8Array): Uint8Array | undefined {
  const written = fieldsOf(theirs);
  const wanted = fieldsOf(canonical);
  if (written === undefined || wanted === undefined) return undefined;
  const kept: Uint8Array[] = [];
  for (const number of new Set([...written, ...wanted].map((field) => field.number))) {
    const mine = wanted.filter((field) => field.number === number);
    const others = written.filter((field) => field.number === number);
    const needed = others.length > mine.length ? others.filter((field) => !isDefault(field)) : others;
    if (needed.length !== mine.length) return undefined;
  }
  const seen = new Map<number, number>();
  for (const field of written) {
    const mine = wanted.filter(({ number }) => number === field.number);
    const others = written.filter(({ number }) => number === field.number);
    if (others.length > mine.length && isDefault(field)) continue;
    const at = seen.get(field.number) ?? 0;
    seen.set(field.number, at + 1);
    const counterpart = mine[at];
    if (counterpart === undefined) return undefined;
    const same = inside(field, counterpart);
    if (same === undefined) return undefined;
    kept.push(same);
  }
  return Buffer.concat(kept);
}

const isDefault = ({ wireType, content }: Field): boolean => (wireType === 2 ? content.length === 0 : content.every((byte) => byte === 0));

/** A field without defaults inside it, when it is a message whose defaults are the only difference. */
function inside(field: Field, counterpart: Field): Uint8Array | undefined {
  if (equalBytes(field.whole, counterpart.whole) || field.wireType !== 2 || counterpart.wireType !== 2) return field.whole;
  const content = withoutDefaults(field.content, counterpart.content);
  return content === undefined ? field.whole : Buffer.concat([field.tag, lengthOf(content.length), content]);
}

function lengthOf(length: number): Uint8Array {
  const bytes: number[] = [];
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

/** The same fields in another order, here or in a message inside. */
function sameFields(a: Uint8Array, b: Uint8Array): boolean {
  const [left, right] = [sortedFields(a), sortedFields(b)];
  return left !== undefined && right !== undefined && left === right;
}

/** Fields as text, sorted, and where a field is a message again its fields as well. */
function sortedFields(bytes: Uint8Array): string | undefined {
  const fields = fieldsOf(bytes);
  if (fields === undefined) return undefined;
  const printed = fields.map(({ number, wireType, content }) => {
    const nested = wireType === 2 && content.length > 0 ? sortedFields(content) : undefined;
    return `${number}:${wireType}:${nested ?? Buffer.from(content).toString('hex')}`;
  });
  return `{${printed.sort().join(' ')}}`;
}
