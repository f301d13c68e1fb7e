import { type CallStatus, Status } from '../status.ts';
import { encodeHeaders } from './hpack/encoder.ts';
import type { Field } from './hpack/static-table.ts';
import { ErrorCode } from './protocol.ts';

export const CONTENT_TYPE = 'application/grpc';

/** Head of an answer that has messages. */
export const ANSWER_HEAD: Buffer = encodeHeaders([
  [':status', '200'],
  ['content-type', CONTENT_TYPE],
]);

export const TRAILERS_OK: Buffer = encodeHeaders([['grpc-status', '0']]);

/** Trailers of a call that failed; with `alone` they are the whole answer. */
export function trailersOf({ code, message, metadata = [] }: CallStatus, alone: boolean): Buffer {
  const head: readonly Field[] = alone
    ? [
        [':status', '200'],
        ['content-type', CONTENT_TYPE],
      ]
    : [];
  return encodeHeaders([...head, ['grpc-status', String(code)], ['grpc-message', percentEncoded(message)], ...metadata]);
}

/**
 * All but visible ASCII and blank as %XX of its UTF-8 bytes, % as well. A blank at either end, too: HTTP/2 libraries cut it off, or
 * drop the whole field.
 * @see "Responses" in the gRPC over HTTP2 protocol
 */
export function percentEncoded(text: string): string {
  if (/^(?! )[ -$&-~]*(?<! )$/.test(text)) return text;
  const bytes = Buffer.from(text, 'utf8');
  const plain = (byte: number, at: number): boolean =>
    byte === 0x20 ? at > 0 && at < bytes.length - 1 : byte > 0x20 && byte <= 0x7e && byte !== 0x25;
  let encoded = '';
  for (const [at, byte] of bytes.entries())
    encoded += plain(byte, at) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return encoded;
}

/** The text again; sequences that are no encoding stay as they are. */
export function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const hex = text.slice(at + 1, at + 3);
    if (text[at] === '%' && /^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else bytes.push(text.charCodeAt(at) & 0xff);
  }
  return Buffer.from(bytes).toString('utf8');
}

/** The status of a call whose stream was cut. @see "HTTP2 Transport Mapping" in the gRPC over HTTP2 protocol */
export function statusOfReset(code: number): number {
  switch (code) {
    case ErrorCode.REFUSED_STREAM:
      return Status.UNAVAILABLE;
    case ErrorCode.CANCEL:
      return Status.CANCELLED;
    case ErrorCode.ENHANCE_YOUR_CALM:
      return Status.RESOURCE_EXHAUSTED;
    case ErrorCode.INADEQUATE_SECURITY:
      return Status.PERMISSION_DENIED;
    default:
      return Status.INTERNAL;
  }
}

/** The status of an answer that has none of its own. @see http-grpc-status-mapping.md of gRPC */
export function statusOfHttp(status: string): number {
  switch (status) {
    case '400':
      return Status.INTERNAL;
    case '401':
      return Status.UNAUTHENTICATED;
    case '403':
      return Status.PERMISSION_DENIED;
    case '404':
      return Status.UNIMPLEMENTED;
    case '429':
    case '502':
    case '503':
    case '504':
      return Status.UNAVAILABLE;
    default:
      return Status.UNKNOWN;
  }
}
