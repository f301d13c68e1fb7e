/**
 * Values as they lie in the store: the value, then four bytes that check it together with its key, so that bytes which changed on
 * the disk, or which lie under another key, are not answered.
 */
import { crc32 } from 'node:zlib';
import { hex } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';

const CHECK_BYTES = 4;

export function sealed(key: Uint8Array, value: Uint8Array): Uint8Array {
  const stored = Buffer.allocUnsafe(value.length + CHECK_BYTES);
  stored.set(value);
  stored.writeUInt32BE(checkOf(key, value), value.length);
  return stored;
}

/** The value, as a view of what was stored. @throws {SelvageError} `LEDGER_CORRUPT` */
export function unsealed(key: Uint8Array, stored: Uint8Array): Uint8Array {
  const value = valueIn(key, stored);
  if (value !== undefined) return value;
  throw new SelvageError('LEDGER_CORRUPT', 'the key-value store is damaged: a value does not match its checksum', {
    details: { key: hex(key.subarray(0, 64)) },
  });
}

export const isSealed = (key: Uint8Array, stored: Uint8Array): boolean => valueIn(key, stored) !== undefined;

/** A range reads thousands of them: no view is made but the one that is answered. */
function valueIn(key: Uint8Array, stored: Uint8Array): Uint8Array | undefined {
  const length = stored.length - CHECK_BYTES;
  if (length < 0) return undefined;
  const value = new Uint8Array(stored.buffer, stored.byteOffset, length);
  return checkOf(key, value) === checkAt(stored, length) ? value : undefined;
}

/** The unsigned big-endian number that lies there. */
function checkAt(bytes: Uint8Array, at: number): number {
  let number = 0;
  for (let offset = at; offset < at + CHECK_BYTES; offset += 1) number = number * 256 + (bytes[offset] ?? 0);
  return number;
}

/** Of nothing, zlib says 0 or the number it began with, depending on where nothing lies. */
const checkOf = (key: Uint8Array, value: Uint8Array): number => (value.length === 0 ? crc32(key) : crc32(value, crc32(key)));
