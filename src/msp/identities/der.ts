/** As much of DER as certificates, revocation lists and signatures need; lengths and integers must be minimal, as Go demands. */
import { concatBytes } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';

/** Tags that occur in X.509; `0xa0 + n` is the constructed context tag n. */
export const TAG = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  OID: 0x06,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** One element: `raw` is all of it, `content` what stands inside. Both are views of the input. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly raw: Uint8Array;
}

const malformed = (why: string): SelvageError => new SelvageError('MALFORMED', `asn1: ${why}`);

/** A cursor over elements that stand one after the other. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** @throws {SelvageError} `MALFORMED` when what follows is no whole element */
  next(): DerElement {
    const start = this.#at;
    const tag = this.#byte();
    if ((tag & 0x1f) === 0x1f) throw malformed('tags above 30 are not used here');
    const length = this.#length();
    const from = this.#at;
    if (length > this.#bytes.length - from) throw malformed('data truncated');
    this.#at = from + length;
    return { tag, content: this.#bytes.subarray(from, this.#at), raw: this.#bytes.subarray(start, this.#at) };
  }

  /** The next element, which must have this tag. @throws {SelvageError} `MALFORMED` */
  expect(tag: number): DerElement {
    const element = this.next();
    if (element.tag !== tag) throw malformed(`expected tag ${tag}, got ${element.tag}`);
    return element;
  }

  /** The next element if it has this tag; else nothing is read. */
  optional(tag: number): DerElement | undefined {
    return this.#bytes[this.#at] === tag ? this.next() : undefined;
  }

  /** A reader over the content of the next element. */
  enter(tag: number): DerReader {
    return new DerReader(this.expect(tag).content);
  }

  /** @throws {SelvageError} `MALFORMED` when something is left */
  end(): void {
    if (!this.done) throw malformed('trailing data');
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw malformed('data truncated');
    this.#at += 1;
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw malformed('length is indefinite or too large');
    let length = 0;
    for (let i = 0; i < count; i += 1) {
      length = length * 256 + this.#byte();
      if (length === 0) throw malformed('superfluous leading zeros in length');
    }
    if (length < 0x80) throw malformed('non-minimal length');
    return length;
  }
}

/** Encodes one element around `contents`. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, content) => sum + content.length, 0);
  return concatBytes(new Uint8Array([tag, ...lengthBytes(length)]), ...contents);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

/** The value of an INTEGER's content. @throws {SelvageError} `MALFORMED` when it is empty or longer than needed */
export function integerOf(content: Uint8Array): bigint {
  const [first, second] = content;
  if (first === undefined) throw malformed('empty integer');
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw malformed('integer not minimally-encoded');
  }
  const magnitude = BigInt(`0x${hexOf(content)}`);
  return first < 0x80 ? magnitude : magnitude - (1n << BigInt(8 * content.length));
}

/** INTEGER of a value that is not negative. */
export function derInteger(value: bigint): Uint8Array {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return (bytes[0] ?? 0) >= 0x80 ? der(TAG.INTEGER, new Uint8Array([0]), bytes) : der(TAG.INTEGER, bytes);
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/** An OBJECT IDENTIFIER's content in dotted form. */
export function oidOf(content: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first = 0, ...rest] = arcs;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - 40 * root, ...rest].join('.');
}

/** The bytes of a BIT STRING that has no unused bits, like every signature and key. @throws {SelvageError} `MALFORMED` */
export function bitStringOf(content: Uint8Array): Uint8Array {
  if (content[0] !== 0) throw malformed('a bit string here has whole bytes');
  return content.subarray(1);
}

/** UTCTime or GeneralizedTime in the forms X.509 allows. @throws {SelvageError} `MALFORMED` */
export function timeOf(element: DerElement): Date {
  const text = Buffer.from(element.content).toString('latin1');
  const digits = element.tag === TAG.UTC_TIME ? `${text.slice(0, 2) < '50' ? '20' : '19'}${text}` : text;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits);
  const time = parts === null ? Number.NaN : Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}Z`);
  if (Number.isNaN(time) || (element.tag !== TAG.UTC_TIME && element.tag !== TAG.GENERALIZED_TIME)) throw malformed(`bad time ${text}`);
  return new Date(time);
}

const BMP_STRING = 0x1e;
const UTF8_STRING = 0x0c;

/** The text of a directory string, whichever of its types it has. */
export function directoryText({ tag, content }: DerElement): string {
  const bytes = Buffer.from(content);
  if (tag === BMP_STRING) return bytes.length % 2 === 0 ? bytes.swap16().toString('utf16le') : '';
  return bytes.toString(tag === UTF8_STRING ? 'utf8' : 'latin1');
}

/** The value of a BOOLEAN's content; DER has one form for each. @throws {SelvageError} `MALFORMED` */
export function booleanOf(content: Uint8Array): boolean {
  const [value] = content;
  if (content.length !== 1 || (value !== 0 && value !== 0xff)) throw malformed('invalid boolean');
  return value === 0xff;
}
