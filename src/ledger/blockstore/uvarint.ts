import { SelvageError } from '../../common/errors.ts';

/** Bytes it takes to write an unsigned integer seven bits at a time. */
export function uvarintLength(value: number | bigint): number {
  let length = 1;
  for (let rest = BigInt(value) >> 7n; rest > 0n; rest >>= 7n) length += 1;
  return length;
}

/** Writes `value` at `at`, least significant seven bits first, and returns the place after it. */
export function writeUvarint(into: Uint8Array, at: number, value: number | bigint): number {
  let rest = BigInt(value);
  let end = at;
  for (; rest >= 0x80n; rest >>= 7n) {
    into[end] = Number(rest & 0x7fn) | 0x80;
    end += 1;
  }
  into[end] = Number(rest);
  return end + 1;
}

/** Reads integers and length-prefixed bytes one after the other; never past the end, whatever the lengths say. */
export class Cursor {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @throws {SelvageError} `LEDGER_CORRUPT` when the bytes end first, or it does not fit 64 bits */
  uvarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.at];
      if (byte === undefined) throw corrupt('it ends inside an integer');
      this.at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80 && value <= 0xffff_ffff_ffff_ffffn) return value;
    }
    throw corrupt('an integer is longer than 64 bits');
  }

  /** A view of the next `uvarint`-prefixed bytes. */
  bytes(): Uint8Array {
    const length = this.uvarint();
    if (length > BigInt(this.#bytes.length - this.at)) throw corrupt('a length runs past its end');
    const from = this.at;
    this.at += Number(length);
    return this.#bytes.subarray(from, this.at);
  }
}

const corrupt = (message: string): SelvageError => new SelvageError('LEDGER_CORRUPT', `the block record is damaged: ${message}`);
