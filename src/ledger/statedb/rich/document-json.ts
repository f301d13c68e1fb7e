import { isUtf8 } from 'node:buffer';
import { goJson } from './go-json.ts';
import type { JsonValue } from './json-value.ts';

export interface JsonDocument {
  readonly members: { readonly [name: string]: JsonValue };
  /** It has a number that no double can hold, which CouchDB's side has as null. */
  readonly beyondDoubles: boolean;
}

/** Nesting that Go's decoder goes along with: what is deeper is no JSON to a peer. */
const GO_MAX_DEPTH = 10_000;

/** Documents whose numbers or strings are not what JSON.parse makes of them: digits that a double has not, exponents, lone surrogates. */
const TO_BE_LOOKED_THROUGH = /\d{16}|\d[eE][+-]?\d|\\u[dD][89a-fA-F]/;

/** A state's value as a JSON object, or undefined where a peer with CouchDB keeps it as bytes. */
export function parseJsonObject(value: Uint8Array): JsonDocument | undefined {
  const parsed = parsedObject(value);
  if (parsed === undefined) return undefined;
  if (!TO_BE_LOOKED_THROUGH.test(parsed.text)) return { members: parsed.object, beyondDoubles: false };
  return asCouchDbHasIt(parsed.object);
}

/**
 * The value of a query's result: what CouchDB stored, as the peer marshals it. Members sorted by bytes at every level, numbers through
 * doubles. A value that CouchDB keeps as bytes comes back as it is.
 */
export function canonicalValue(value: Uint8Array): Uint8Array {
  const parsed = parsedObject(value);
  if (parsed === undefined) return value;
  if (!TO_BE_LOOKED_THROUGH.test(parsed.text)) return Buffer.from(goJson(parsed.object), 'utf8');
  const { members, beyondDoubles } = asCouchDbHasIt(parsed.object);
  return beyondDoubles ? value : Buffer.from(goJson(members), 'utf8');
}

function parsedObject(value: Uint8Array): { readonly text: string; readonly object: { readonly [name: string]: JsonValue } } | undefined {
  if (!beginsAsObject(value)) return undefined;
  const text = isUtf8(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8') : goDecoded(value);
  if (value.length > 2 * GO_MAX_DEPTH && depthOf(text) > GO_MAX_DEPTH) return undefined;
  try {
    return { text, object: JSON.parse(text) as { readonly [name: string]: JsonValue } };
  } catch {
    return undefined;
  }
}

/** An array and a scalar need not be parsed. */
function beginsAsObject(value: Uint8Array): boolean {
  for (const byte of value) {
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return byte === 0x7b;
  }
  return false;
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at];
    if (inString) {
      if (mark === '\\') at += 1;
      else if (mark === '"') inString = false;
    } else if (mark === '"') inString = true;
    else if (mark === '{' || mark === '[') {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (mark === '}' || mark === ']') depth -= 1;
  }
  return deepest;
}

/** Every byte that belongs to no character is one U+FFFD to Go; a text decoder takes several of them together. */
function goDecoded(value: Uint8Array): string {
  const parts: string[] = [];
  let from = 0;
  let at = 0;
  const flush = (): void => {
    parts.push(Buffer.from(value.buffer, value.byteOffset + from, at - from).toString('utf8'));
  };
  while (at < value.length) {
    const length = characterLength(value, at);
    if (length > 0) at += length;
    else {
      flush();
      parts.push('\ufffd');
      at += 1;
      from = at;
    }
  }
  flush();
  return parts.join('');
}

/** Bytes of the character at a place, 0 where there is none. */
function characterLength(value: Uint8Array, at: number): number {
  const first = value[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  return isUtf8(value.subarray(at, at + length)) && at + length <= value.length ? length : 0;
}

/** Numbers with more digits than a double has as integers, those beyond doubles as null, and no lone surrogates. Without recursion. */
function asCouchDbHasIt(object: { readonly [name: string]: JsonValue }): JsonDocument {
  let beyondDoubles = false;
  const scalar = (value: JsonValue): JsonValue => {
    if (typeof value === 'string') return value.toWellFormed();
    if (typeof value !== 'number') return value;
    if (!Number.isFinite(value)) {
      beyondDoubles = true;
      return null;
    }
    return Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21 ? BigInt(String(value)) : value;
  };
  const members: { [name: string]: JsonValue } = Object.create(null) as { [name: string]: JsonValue };
  const todo: { readonly from: JsonValue; readonly to: JsonValue[] | { [name: string]: JsonValue } }[] = [{ from: object, to: members }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { from, to } = next;
    for (const [name, value] of Object.entries(from as { readonly [name: string]: JsonValue })) {
      let made = scalar(value);
      if (typeof value === 'object' && value !== null) {
        const into = Array.isArray(value) ? [] : (Object.create(null) as { [name: string]: JsonValue });
        todo.push({ from: value, to: into });
        made = into;
      }
      if (Array.isArray(to)) to.push(made);
      else to[name.toWellFormed()] = made;
    }
  }
  return { members, beyondDoubles };
}
