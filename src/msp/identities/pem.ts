/** PEM as Go's encoding/pem reads and writes it, as far as MSPs need. */
import { SelvageError } from '../../common/errors.ts';

export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
}

const BLOCK = /-----BEGIN ([^\r\n]*?)-----[ \t]*\r?\n([\s\S]*?)-----END \1-----/;
const HEADERS = /^(?:[^\r\n:]+:[^\r\n]*\r?\n)+\r?\n/;

/** The first block of a text, whatever stands around it, or undefined when there is none. */
export function firstPemBlock(text: string | Uint8Array): PemBlock | undefined {
  const match = BLOCK.exec(asText(text));
  if (match === null) return undefined;
  const [, label = '', body = ''] = match;
  const base64 = body.replace(HEADERS, '').replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.length % 4 !== 0) return undefined;
  return { label, der: new Uint8Array(Buffer.from(base64, 'base64')) };
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
