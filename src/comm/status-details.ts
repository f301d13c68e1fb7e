/**
 * gRPC's richer error model: the field `grpc-status-details-bin` of the trailers is a `google.rpc.Status{code(1), message(2), details(3)}`
 * in base64, each detail an `Any{type_url(1), value(2)}`. Read and written here, below the codecs, because it is gRPC's own.
 */
import type { StatusDetail } from '../common/errors.ts';

export const DETAILS_FIELD = 'grpc-status-details-bin';

/** What is added to the value of a field besides its bytes: base64 has four characters for three bytes. */
export const sizeInBase64 = (bytes: number): number => 4 * Math.ceil(bytes / 3);

/** `google.rpc.Status` bytes. */
export function encodeStatus(code: number, message: string, details: readonly StatusDetail[]): Uint8Array {
  const any = ({ typeUrl, value }: StatusDetail): Uint8Array => field(3, [field(1, [Buffer.from(typeUrl)]), field(2, [value])]);
  return Buffer.concat([Buffer.from([1 << 3, ...varint(code)]), field(2, [Buffer.from(message)]), ...details.map(any)]);
}

/** The details of `google.rpc.Status` bytes. Whatever is no such message has none: it came from somebody else. */
export function decodeDetails(status: Uint8Array): readonly StatusDetail[] {
  const details: StatusDetail[] = [];
  for (const { number, bytes } of fieldsOf(status)) {
    if (number !== 3) continue;
    const parts = new Map([...fieldsOf(bytes)].map((each) => [each.number, each.bytes]));
    details.push({ typeUrl: Buffer.from(parts.get(1) ?? NOTHING).toString('utf8'), value: parts.get(2) ?? NOTHING });
  }
  return details;
}

const NOTHING = new Uint8Array(0);

/** A field of bytes that consist of those parts. */
function field(number: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(length)]), ...parts]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** The fields of bytes in a message, one after the other; it ends where the message cannot be read on. */
function* fieldsOf(message: Uint8Array): Generator<{ readonly number: number; readonly bytes: Uint8Array }> {
  let at = 0;
  const next = (): number | undefined => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < message.length) {
    const tag = next();
    const value = next(); // of a number the number, of bytes their length
    if (tag === undefined || value === undefined) return;
    if ((tag & 7) === 0) continue;
    if ((tag & 7) !== 2 || at + value > message.length) return;
    yield { number: tag >>> 3, bytes: message.subarray(at, at + value) };
    at += value;
  }
}
