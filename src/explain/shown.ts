/** Values of a ledger as text for a terminal: strangers wrote them, so nothing in them is a command to it. */
import { isUtf8 } from 'node:buffer';
import { hex } from '../common/bytes.ts';
import { cutText } from '../common/cut-text.ts';

/** Controls, what turns the writing around, and what nobody sees. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Text without anything that a terminal would obey. */
export const plain = (text: string): string => text.replace(UNSEEN, (unseen) => `\\u{${(unseen.codePointAt(0) ?? 0).toString(16)}}`);

const MOST = 80;

/** A key as its parts, where it is a composite one, else in quotes. */
export function keyText(key: string): string {
  const parts = key.startsWith('\0') ? key.slice(1).replace(/\0$/, '').split('\0') : undefined;
  return parts === undefined ? quoted(key) : `[${parts.map((part) => plain(cutText(part, MOST))).join(', ')}]`;
}

export const quoted = (text: string): string => `"${plain(cutText(text, MOST)).replaceAll('"', '\\"')}"`;

/** Bytes as text where they are text, else as hexadecimal. */
export const bytesText = (bytes: Uint8Array, most = MOST): string =>
  isUtf8(bytes)
    ? plain(cutText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(), most))
    : `0x${hex(bytes.subarray(0, most / 2))}${bytes.length > most / 2 ? '…' : ''}`;
