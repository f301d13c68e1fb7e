import { createHash } from 'node:crypto';

/** 32 bytes: SHA-256 of the parts one after the other, with nothing between them. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const decoder = new TextDecoder();
/** The text of bytes that are meant to be UTF-8; what is not is replaced, so use it for people, not for keys. */
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Lower-case hexadecimal. */
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/** One character for each byte: a key of a map that no other bytes have. */
export const latin1Of = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** Unsigned byte order: negative, zero or positive. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** A copy in memory of its own, for what outlives the message it was decoded from. */
export const detach = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * Order of two strings by their UTF-8 bytes, which is Go's order of strings and Fabric's order of keys. JavaScript's own
 * order compares UTF-16 units and differs where surrogates meet U+E000..U+FFFF.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Lifts surrogates (code points above U+FFFF) over the rest of the basic plane. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
