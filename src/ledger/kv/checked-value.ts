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
  if (isSealed(key, stored)) return stored.subarray(0, stored.length - CHECK_BYTES);
  throw new SelvageError('LEDGER_CORRUPT', 'the key-value store is damaged: a value does not match its checksum', {
    details: { key: hex(key.subarray(0, 64)) },
  });
}

export function isSealed(key: Uint8Array, stored: Uint8Array): boolean {
  const length = stored.length - CHECK_BYTES;
  if (length < 0) return false;
  const check = new DataView(stored.buffer, stored.byteOffset + length, CHECK_BYTES).getUint32(0);
  return checkOf(key, stored.subarray(0, length)) === check;
}

/** Of nothing, zlib says 0 or the number it began with, depending on where nothing lies. */
const checkOf = (key: Uint8Array, value: Uint8Array): number => (value.length === 0 ? crc32(key) : crc32(value, crc32(key)));
