import { isArray, isInteger, isObject, type JsonValue, LEAST_DOUBLE, membersOf } from './json-value.ts';

/** What Erlang knows beside JSON: atoms and tuples. */
export type Term = JsonValue | Atom | Tuple;

export class Atom {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class Tuple {
  readonly items: readonly TermOrList[];
  constructor(...items: readonly TermOrList[]) {
    this.items = items;
  }
}

/** A list of anything. */
export type TermOrList = Term | readonly TermOrList[];

/**
 * A term in Erlang's external format, without the leading version byte, as `term_to_binary` with minor version 1 writes it.
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
export function encodeTerm(term: TermOrList): Uint8Array {
  const parts: Uint8Array[] = [];
  write(term, parts);
  return Buffer.concat(parts);
}

function write(term: TermOrList, parts: Uint8Array[]): void {
  if (term instanceof Atom) writeAtom(term.name, parts);
  else if (term instanceof Tuple) {
    parts.push(Uint8Array.of(0x68, term.items.length));
    for (const item of term.items) write(item, parts);
  } else if (typeof term === 'string') {
    const bytes = Buffer.from(term, 'utf8');
    parts.push(tagged32(0x6d, bytes.length), bytes);
  } else if (typeof term === 'number' || typeof term === 'bigint') writeNumber(term, parts);
  else if (term === null || typeof term === 'boolean') writeAtom(String(term), parts);
  else if (Array.isArray(term)) writeList(term as readonly TermOrList[], parts);
  else writeObject(term as { readonly [name: string]: JsonValue }, parts);
}

/** A tuple of one list of pairs. */
function writeObject(object: { readonly [name: string]: JsonValue }, parts: Uint8Array[]): void {
  const members = membersOf(object).map(([name, value]) => new Tuple(name, value));
  parts.push(Uint8Array.of(0x68, 1));
  writeList(members, parts);
}

function writeAtom(name: string, parts: Uint8Array[]): void {
  const bytes = Buffer.from(name, 'latin1');
  parts.push(Uint8Array.of(0x64, bytes.length >> 8, bytes.length & 0xff), bytes);
}

function writeList(items: readonly TermOrList[], parts: Uint8Array[]): void {
  if (items.length === 0) {
    parts.push(Uint8Array.of(0x6a));
    return;
  }
  if (items.length <= 0xffff && items.every(isByte)) {
    parts.push(Uint8Array.of(0x6b, items.length >> 8, items.length & 0xff), Uint8Array.from(items.map(Number)));
    return;
  }
  parts.push(tagged32(0x6c, items.length));
  for (const item of items) write(item, parts);
  parts.push(Uint8Array.of(0x6a));
}

const isByte = (term: TermOrList): boolean =>
  (typeof term === 'bigint' && term >= 0n && term <= 255n) ||
  (typeof term === 'number' && Number.isSafeInteger(term) && term >= 0 && term <= 255);

function writeNumber(value: number | bigint, parts: Uint8Array[]): void {
  if (!isInteger(value)) {
    const bytes = Buffer.alloc(9, 0x46);
    bytes.writeDoubleBE(Math.abs(Number(value)) === LEAST_DOUBLE ? 0 : Number(value), 1);
    parts.push(bytes);
    return;
  }
  const integer = BigInt(value);
  if (integer >= 0n && integer <= 255n) parts.push(Uint8Array.of(0x61, Number(integer)));
  else if (integer >= -0x8000_0000n && integer <= 0x7fff_ffffn) parts.push(tagged32(0x62, Number(integer) >>> 0));
  else writeBig(integer, parts);
}

function writeBig(value: bigint, parts: Uint8Array[]): void {
  const hex = (value < 0n ? -value : value).toString(16);
  const magnitude = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').reverse();
  const sign = value < 0n ? 1 : 0;
  if (magnitude.length <= 255) parts.push(Uint8Array.of(0x6e, magnitude.length, sign));
  else parts.push(tagged32(0x6f, magnitude.length), Uint8Array.of(sign));
  parts.push(magnitude);
}

function tagged32(tag: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(5, tag);
  bytes.writeUInt32BE(value, 1);
  return bytes;
}

/** Nesting of a term that is read: documents as deep as this cannot be marked. */
const MAX_DEPTH = 1_000;
/** Terms of one that is read, each of which takes some dozen bytes of memory and may come in one: keys of an index have a few. */
const MAX_TERMS = 100_000;
/** Bytes of an integer that is read: a document's have nine at most. */
const MAX_INTEGER = 2_048;

/** Reads a term, without the leading version byte. @throws {Error} if it is none, or one that no JSON and no bookmark has */
export function decodeTerm(bytes: Uint8Array): TermOrList {
  const reader = new TermReader(bytes);
  const term = reader.term(0);
  reader.end();
  return term;
}

const malformed = (): Error => new Error('no Erlang term');

class TermReader {
  readonly #bytes: Buffer;
  #at = 0;
  #terms = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed();
  }

  term(depth: number): TermOrList {
    if (depth > MAX_DEPTH) throw malformed();
    this.#count(1);
    const tag = this.#take(1).readUInt8();
    switch (tag) {
      case 0x61:
        return BigInt(this.#take(1).readUInt8());
      case 0x62:
        return BigInt(this.#take(4).readInt32BE());
      case 0x6e:
        return this.#big(this.#take(1).readUInt8());
      case 0x6f:
        return this.#big(this.#take(4).readUInt32BE());
      case 0x46:
        return this.#double();
      case 0x64:
      case 0x76:
        return this.#atom(this.#take(2).readUInt16BE());
      case 0x73:
      case 0x77:
        return this.#atom(this.#take(1).readUInt8());
      case 0x6d:
        return this.#take(this.#take(4).readUInt32BE()).toString('utf8');
      case 0x6a:
        return [];
      case 0x6b:
        return this.#smallIntegers(this.#take(2).readUInt16BE());
      case 0x6c: {
        const items = this.#items(this.#take(4).readUInt32BE(), depth);
        if (this.#take(1).readUInt8() !== 0x6a) throw malformed();
        return items;
      }
      case 0x68:
        return this.#tuple(this.#items(this.#take(1).readUInt8(), depth));
      default:
        throw malformed();
    }
  }

  /** A tuple of one list of pairs is a JSON object. */
  #tuple(items: TermOrList[]): TermOrList {
    const [only] = items;
    if (items.length !== 1 || !Array.isArray(only)) return new Tuple(...items);
    const members = new Map<string, JsonValue>();
    for (const pair of only as readonly TermOrList[]) {
      if (!(pair instanceof Tuple) || pair.items.length !== 2 || typeof pair.items[0] !== 'string') throw malformed();
      members.set(pair.items[0], asJson(pair.items[1] ?? null));
    }
    return members;
  }

  #items(count: number, depth: number): TermOrList[] {
    if (count > this.#bytes.length - this.#at) throw malformed();
    const items: TermOrList[] = []; // no room for what is only claimed
    for (let at = 0; at < count; at += 1) items.push(this.term(depth + 1));
    return items;
  }

  #smallIntegers(count: number): TermOrList[] {
    this.#count(count);
    return [...this.#take(count)].map(BigInt);
  }

  #count(terms: number): void {
    this.#terms += terms;
    if (this.#terms > MAX_TERMS) throw malformed();
  }

  #big(length: number): bigint {
    if (length > MAX_INTEGER) throw malformed();
    const sign = this.#take(1).readUInt8();
    const magnitude = Buffer.from(this.#take(length)).reverse().toString('hex');
    const value = BigInt(`0x${magnitude === '' ? '0' : magnitude}`);
    return sign === 0 ? value : -value;
  }

  #double(): number {
    const value = this.#take(8).readDoubleBE();
    if (!Number.isFinite(value)) throw malformed();
    return value;
  }

  #atom(length: number): Term {
    const name = this.#take(length).toString('latin1');
    if (name === 'null') return null;
    if (name === 'true' || name === 'false') return name === 'true';
    return new Atom(name);
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw malformed();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** A term that is JSON. @throws {Error} if it has atoms and tuples of its own */
export function asJson(term: TermOrList): JsonValue {
  if (term instanceof Atom || term instanceof Tuple) throw malformed();
  if (Array.isArray(term)) return (term as readonly TermOrList[]).map(asJson);
  if (typeof term === 'object' && term !== null && !isArray(term as JsonValue) && !isObject(term as JsonValue)) throw malformed();
  return term as JsonValue;
}
