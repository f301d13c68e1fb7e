import type { Output } from './output.ts';
import { Flag, Frame } from './protocol.ts';

const PREFIX_BYTES = 5;

interface Waiting {
  readonly message: Uint8Array;
  /** Bytes that gRPC puts in front of it; none for data that is no gRPC. */
  readonly prefix: number;
  /** Bytes that have left, those in front included. */
  sent: number;
}

/** Messages of one stream that its window, the connection's or the socket have no room for yet. */
export class SendQueue {
  #waiting: Waiting[] = [];
  /** Bytes that have not left. */
  bytes = 0;

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  add(message: Uint8Array, prefix: number = PREFIX_BYTES): void {
    this.#waiting.push({ message, prefix, sent: 0 });
    this.bytes += message.length + prefix;
  }

  /** Puts one DATA frame of the first message out. @param most bytes that it may have, at least 1 @returns how many it has */
  sendFrame(output: Output, stream: number, most: number): number {
    const first = this.#waiting[0] as Waiting;
    const { prefix } = first;
    const whole = first.message.length + prefix;
    const length = Math.min(whole - first.sent, most);
    output.head(length, Frame.DATA, 0, stream);
    const end = first.sent + length;
    if (first.sent < prefix) output.bytes(prefixOf(first.message), first.sent, Math.min(end, prefix));
    if (end > prefix) output.bytes(first.message, Math.max(0, first.sent - prefix), end - prefix);
    first.sent = end;
    this.bytes -= length;
    if (end === whole) this.#waiting.shift();
    return length;
  }

  clear(): void {
    this.#waiting = [];
    this.bytes = 0;
  }
}

function prefixOf({ length }: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

/** Puts a whole message out as one DATA frame. */
export function sendWhole(output: Output, stream: number, message: Uint8Array): void {
  output.head(message.length + PREFIX_BYTES, Frame.DATA, 0, stream);
  output.byte(0);
  output.uint32(message.length);
  output.bytes(message);
}

/** Says without a message that nothing more comes. */
export const sendEnd = (output: Output, stream: number): void => output.head(0, Frame.DATA, Flag.END_STREAM, stream);

export const framedLength = (message: Uint8Array): number => message.length + PREFIX_BYTES;
