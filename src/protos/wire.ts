/**
 * The wire format under the generated codecs: protobufjs' reader and writer, with the guards Fabric needs.
 *
 * What a plain protobuf library would let pass and this refuses: a `bigint` out of range, a string that is not
 * well-formed Unicode, invalid UTF-8, a field that overruns its message, nesting without end, and (in strict mode, which
 * is Fabric 1.1's behaviour) a known field with a foreign wire type.
 */
import { isUtf8 } from 'node:buffer';
import protobuf from 'protobufjs/minimal.js';
import { SelvageError } from '../common/errors.ts';

/** Shared by every absent bytes field. Zero length, so nobody can write into it. */
export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** How deep messages may nest; Go's limit is 10,000, but nothing in Fabric needs more than a policy a few levels deep. */
const MAX_DEPTH = 100;

export interface DecodeOptions {
  /** Refuse a known field with another wire type, as Fabric 1.1 did, instead of skipping it as unknown. */
  readonly strict?: boolean;
  /** Fields that the message and those in it may have together; what is on a ledger may have any number. */
  readonly mostFields?: number;
}

/**
 * For what somebody sends whom nobody knows yet: a field of two bytes becomes an object of a hundred and more, so that a message of the
 * largest size could become gigabytes. Nothing that is meant seriously comes near it.
 */
export const OF_STRANGERS = { mostFields: 200_000 } as const satisfies DecodeOptions;

/** Turns one message type into bytes and back. */
export interface Codec<T, Init> {
  /** Full protobuf name, like `common.Envelope`. */
  readonly typeName: string;
  /**
   * Reads one message. Its `bytes` fields are views of the input: copy what outlives the call.
   * @throws {SelvageError} `MALFORMED` when the bytes are no such message.
   */
  decode(bytes: Uint8Array, options?: DecodeOptions): T;
  /** Canonical bytes: fields in number order, defaults left out, maps in their own order. The result owns its memory. */
  encode(value: Init): Uint8Array;
}

type Decode<T> = (r: Reader, end: number, strict: boolean, depth: number) => T;
type Encode<Init> = (value: Init, w: Writer) => void;

/** Used by generated code only. */
export function codec<T, Init>(typeName: string, decode: Decode<T>, encode: Encode<Init>): Codec<T, Init> {
  return {
    typeName,
    decode(bytes, { strict = false, mostFields = Number.POSITIVE_INFINITY } = {}) {
      const reader = new Reader(asBuffer(bytes), { most: mostFields, left: mostFields });
      try {
        return decode(reader, reader.len, strict, 0);
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new SelvageError('MALFORMED', `cannot decode ${typeName}: ${why}`, { cause, details: { length: bytes.length } });
      }
    },
    encode(value) {
      const writer = new Writer();
      encode(value, writer);
      return writer.finish();
    },
  };
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Where a singular sub-message stands. It is read once its message was walked through: one that occurs again is merged with what came
 * before by joining their bytes, and to do so at every occurrence would cost the square of their number.
 */
export interface Occurrences {
  start: number;
  end: number;
  /** Where those after the first begin and end, in turn. What is empty adds nothing and is left out. */
  more: number[] | undefined;
}

/** How many fields may yet come, in a reader and in those that it makes. */
interface FieldCount {
  readonly most: number;
  left: number;
}

/** A cursor over one buffer. */
export class Reader {
  readonly #buffer: Buffer;
  readonly #inner: protobuf.Reader;
  readonly #fields: FieldCount;
  readonly len: number;

  constructor(buffer: Buffer, fields: FieldCount = { most: Number.POSITIVE_INFINITY, left: Number.POSITIVE_INFINITY }) {
    this.#buffer = buffer;
    this.#fields = fields;
    this.#inner = protobuf.Reader.create(buffer);
    this.len = buffer.length;
  }

  get pos(): number {
    return this.#inner.pos;
  }

  tag(): number {
    const tag = this.#inner.uint32();
    if (tag >>> 3 === 0) throw new Error('illegal tag 0');
    this.#fields.left -= 1;
    if (this.#fields.left < 0) throw new Error(`more than ${this.#fields.most} fields`);
    return tag;
  }

  bool(): boolean {
    return this.#inner.bool();
  }

  int32(): number {
    return this.#inner.int32();
  }

  uint32(): number {
    return this.#inner.uint32();
  }

  uint64(): bigint {
    const { low, high } = toLong(this.#inner.uint64());
    return high === 0 ? BigInt(low >>> 0) : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  bytes(end: number): Uint8Array {
    const until = this.#lengthDelimited(end);
    if (until === this.pos) return EMPTY_BYTES;
    const view = this.#buffer.subarray(this.pos, until);
    this.#inner.pos = until;
    return view;
  }

  string(end: number): string {
    const until = this.#lengthDelimited(end);
    const text = this.#buffer.toString('utf8', this.pos, until);
    // Decoding leaves U+FFFD for what is no UTF-8: only then is a closer look needed.
    if (text.includes('\ufffd') && !isUtf8(this.#buffer.subarray(this.pos, until))) throw new Error('string field contains invalid UTF-8');
    this.#inner.pos = until;
    return text;
  }

  /** Reads a length prefix and checks it against the end of the enclosing message. */
  #lengthDelimited(end: number): number {
    const length = this.#inner.uint32();
    const until = this.#inner.pos + length;
    if (until > end) throw new Error('unexpected EOF');
    return until;
  }

  /** The end of the sub-message that starts here. */
  enter(end: number, depth: number): number {
    if (depth >= MAX_DEPTH) throw new Error(`nested more than ${MAX_DEPTH} deep`);
    return this.#lengthDelimited(end);
  }

  /** Notes a sub-message that reaches from here to `until`, and passes over it. */
  occurrence(known: Occurrences | undefined, until: number): Occurrences {
    const start = this.pos;
    this.#inner.pos = until;
    if (known === undefined) return { start, end: until, more: undefined };
    if (start === until) return known;
    known.more ??= [];
    known.more.push(start, until);
    return known;
  }

  /** Where to read a noted sub-message, up to its `end`: here, or in a reader of its own when it occurred several times. */
  back(noted: Occurrences): Reader {
    if (noted.more === undefined) {
      this.#inner.pos = noted.start;
      return this;
    }
    const joined = new Reader(this.#joined([noted.start, noted.end, ...noted.more]), this.#fields);
    noted.end = joined.len;
    return joined;
  }

  /** @param places where pieces begin and end, in turn */
  #joined(places: readonly number[]): Buffer {
    let length = 0;
    for (let at = 0; at < places.length; at += 2) length += (places[at + 1] as number) - (places[at] as number);
    const joined = Buffer.allocUnsafe(length);
    let to = 0;
    for (let at = 0; at < places.length; at += 2) to += this.#buffer.copy(joined, to, places[at], places[at + 1]);
    return joined;
  }

  /** Goes to the end of a message whose sub-messages were read. */
  leave(end: number): void {
    this.#inner.pos = end;
  }

  skipType(wireType: number): void {
    this.#inner.skipType(wireType);
  }

  endsAt(end: number, typeName: string): void {
    if (this.pos !== end) throw new Error(`unexpected EOF in ${typeName}`);
  }
}

function toLong(value: unknown): { readonly low: number; readonly high: number } {
  if (typeof value === 'number') return { low: value % 0x1_0000_0000, high: Math.floor(value / 0x1_0000_0000) };
  return value as { low: number; high: number };
}

/** Collects one message. Tags are given whole, so that generated code spells each field's wire type once. */
export class Writer {
  readonly #inner = protobuf.Writer.create();

  bool(tag: number, value: boolean): void {
    this.#inner.uint32(tag).bool(value);
  }

  int32(tag: number, value: number): void {
    this.#inner.uint32(tag).int32(checkedInt(value, -0x8000_0000, 0x7fff_ffff));
  }

  uint32(tag: number, value: number): void {
    this.#inner.uint32(tag).uint32(checkedInt(value, 0, 0xffff_ffff));
  }

  uint64(tag: number, value: bigint): void {
    this.#inner.uint32(tag).uint64(longOf(value, 0n, 0xffff_ffff_ffff_ffffn));
  }

  int64(tag: number, value: bigint): void {
    this.#inner.uint32(tag).uint64(longOf(value, -0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn));
  }

  bytes(tag: number, value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) throw new TypeError('a bytes field takes a Uint8Array');
    this.#inner.uint32(tag).bytes(value);
  }

  string(tag: number, value: string): void {
    if (!value.isWellFormed()) throw new SelvageError('MALFORMED', 'a string to be sent holds a lone surrogate: it has no UTF-8 form');
    this.#inner.uint32(tag).string(value);
  }

  message<Init>(tag: number, value: Init, encode: Encode<Init>): void {
    this.#inner.uint32(tag).fork();
    encode(value, this);
    this.#inner.ldelim();
  }

  entry(tag: number, write: (entry: Writer) => void): void {
    this.#inner.uint32(tag).fork();
    write(this);
    this.#inner.ldelim();
  }

  packeduint64(tag: number, values: readonly bigint[]): void {
    this.#inner.uint32(tag).fork();
    for (const value of values) this.#inner.uint64(longOf(value, 0n, 0xffff_ffff_ffff_ffffn));
    this.#inner.ldelim();
  }

  /** The bytes, in memory of their own: protobufjs would hand out a slice of a shared pool. */
  finish(): Uint8Array {
    return new Uint8Array(this.#inner.finish());
  }
}

function checkedInt(value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) throw new RangeError(`${value} is no 32-bit integer of this field`);
  return value;
}

/** protobufjs writes a native bigint as 0 without a word, so it gets the two halves. */
function longOf(value: bigint, least: bigint, most: bigint): { low: number; high: number; unsigned: boolean } {
  if (typeof value !== 'bigint' || value < least || value > most) throw new RangeError(`${value} does not fit 64 bits`);
  const bits = BigInt.asUintN(64, value);
  return { low: Number(bits & 0xffff_ffffn) | 0, high: Number(bits >> 32n) | 0, unsigned: true };
}

/** Used by generated code: the end of the sub-message that starts here. */
export const sub = (r: Reader, end: number, depth: number): number => r.enter(end, depth);

/** Used by generated code: passes over an unknown field, or refuses a known one with a foreign wire type. */
export function skip(r: Reader, tag: number, end: number, refuse: boolean, typeName: string): void {
  if (refuse) throw new Error(`bad wiretype for field ${typeName}#${tag >>> 3}: got wiretype ${tag & 7}`);
  r.skipType(tag & 7);
  if (r.pos > end) throw new Error('unexpected EOF');
}

/** Used by generated code: reads one map entry. A missing key or value has its type's default, as protobuf says. */
export function mapEntry<V>(
  r: Reader,
  end: number,
  keyType: 'string' | 'uint64',
  valueWire: number,
  readValue: (end: number) => V,
  absent: () => V,
  put: (key: string | bigint, value: V) => void,
  strict: boolean,
): void {
  const until = r.enter(end, 0);
  let key: string | bigint = keyType === 'string' ? '' : 0n;
  let value: V | undefined;
  while (r.pos < until) {
    const tag = r.tag();
    if (tag === (keyType === 'string' ? 10 : 8)) key = keyType === 'string' ? r.string(until) : r.uint64();
    else if (tag === 16 + valueWire) value = readValue(until);
    else skip(r, tag, until, strict && tag >>> 3 <= 2, 'map entry');
  }
  r.endsAt(until, 'map entry');
  put(key, value ?? absent());
}
