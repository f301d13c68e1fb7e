/** How Go prints messages: scripts look for these texts in what a command says. */
import { common, type protos } from '../protos/messages.ts';

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** In quotes. What is printable stays as it is, of any script; other control characters, and bytes that are no text, become octal. */
function goQuoted(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(bytes);
  const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`;
  if (text.includes('\ufffd'))
    return `"${[...Buffer.from(bytes)].map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : octal(byte))).join('')}"`;
  const escaped = text.replaceAll(/["\\\p{Cc}]/gu, (each) => ESCAPES.get(each) ?? [...Buffer.from(each)].map(octal).join(''));
  return `"${escaped}"`;
}

const isPlain = (byte: number): boolean => byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;

/** `status:404 message:"not found" payload:"{\"code\":1}"`; what is empty is left out. */
export function goResponse({ status, message, payload }: protos.Response): string {
  const fields = [
    status === 0 ? [] : [`status:${status}`],
    message === '' ? [] : [`message:${goQuoted(Buffer.from(message))}`],
    payload.length === 0 ? [] : [`payload:${goQuoted(payload)}`],
  ];
  return fields.flat().join(' ');
}

/** `NOT_FOUND`, `FORBIDDEN`, … */
export const statusName = (status: number): string =>
  Object.entries(common.Status).find(([, value]) => value === status)?.[0] ?? String(status);
