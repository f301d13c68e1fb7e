/** PEM as Go's encoding/pem reads and writes it, as far as MSPs need. */
import { SelvageError } from '../../common/errors.ts';

export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
  /** Where the text after the block begins: behind its last line and the line's break. */
  readonly end: number;
}

const BEGIN = '-----BEGIN ';
const HEADERS = /^(?:[^\r\n:]+:[^\r\n]*\r?\n)+\r?\n/;
/** Texts with more beginnings without an end are hostile: each costs a search to the end. */
const MAX_ATTEMPTS = 8;
/** How much white space may stand behind the last line of a block and still count as part of it. */
const MAX_BREAK = 80;

/** The first whole block of a text, whatever stands around it, or undefined when there is none. */
export function firstPemBlock(input: string | Uint8Array): PemBlock | undefined {
  const text = asText(input);
  let at = text.indexOf(BEGIN);
  for (let attempt = 0; at >= 0 && attempt < MAX_ATTEMPTS; attempt += 1) {
    const block = blockAt(text, at + BEGIN.length);
    if (block !== undefined) return block;
    at = text.indexOf(BEGIN, at + BEGIN.length);
  }
  return undefined;
}

/** @param start where the label begins */
function blockAt(text: string, start: number): PemBlock | undefined {
  const line = text.indexOf('\n', start);
  const first = text.slice(start, line).trimEnd();
  if (line < 0 || !first.endsWith('-----')) return undefined;
  const label = first.slice(0, -5);
  const lastLine = `-----END ${label}-----`;
  const end = text.indexOf(lastLine, line);
  if (end < 0) return undefined;
  const base64 = text
    .slice(line + 1, end)
    .replace(HEADERS, '')
    .replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.length % 4 !== 0) return undefined;
  const [rest = ''] = /^[ \t]*\r?\n?/.exec(text.slice(end + lastLine.length, end + lastLine.length + MAX_BREAK)) ?? [];
  return { label, der: new Uint8Array(Buffer.from(base64, 'base64')), end: end + lastLine.length + rest.length };
}

/** The DER of a PEM text's first block. @throws {SelvageError} `MALFORMED` when there is none */
export function derOfPem(text: string | Uint8Array): Uint8Array {
  const block = firstPemBlock(text);
  if (block === undefined) throw new SelvageError('MALFORMED', 'could not decode the PEM structure');
  return block.der;
}

/**
 * One block in Go's form, on which the bytes of a `SerializedIdentity` depend: 64 columns, LF, a final LF.
 * @see Encode in Go, encoding/pem/pem.go
 */
export function toPem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.map((line) => `${line}\n`).join('')}-----END ${label}-----\n`;
}

const asText = (text: string | Uint8Array): string =>
  typeof text === 'string' ? text : Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('latin1');
