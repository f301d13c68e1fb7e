import type { Socket } from 'node:net';
import { FRAME_HEAD_BYTES } from './protocol.ts';

const BUFFER_BYTES = 64 * 1024;

/**
 * What one connection sends, gathered and written once per turn of the event loop: the frames of all answers of a turn leave in one
 * system call.
 */
export class Output {
  readonly #socket: Socket;
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #length = 0;
  #scheduled = false;
  readonly #flush = (): void => this.flush();

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes that the other side has not taken yet. */
  get waiting(): number {
    return this.#length + this.#socket.writableLength;
  }

  /** A frame with its payload copied in. */
  frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    this.head(payload.length, type, flags, stream);
    this.bytes(payload);
  }

  /** The head of a frame whose `length` bytes the caller appends next. */
  head(length: number, type: number, flags: number, stream: number): void {
    const at = this.#room(FRAME_HEAD_BYTES);
    const buffer = this.#buffer;
    buffer[at] = length >>> 16;
    buffer[at + 1] = length >>> 8;
    buffer[at + 2] = length;
    buffer[at + 3] = type;
    buffer[at + 4] = flags;
    uint32(buffer, at + 5, stream);
  }

  uint32(value: number): void {
    const at = this.#room(4); // first: it may replace the buffer
    uint32(this.#buffer, at, value);
  }

  byte(value: number): void {
    const at = this.#room(1);
    this.#buffer[at] = value;
  }

  bytes(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const length = end - start;
    if (length > BUFFER_BYTES / 2) {
      this.#passOn(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
      return;
    }
    const at = this.#room(length);
    this.#buffer.set(length === bytes.length ? bytes : bytes.subarray(start, end), at);
  }

  /** Writes what has been gathered. */
  flush(): void {
    this.#scheduled = false;
    if (this.#length === 0) return;
    const gathered = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    if (!this.#socket.writable) return;
    this.#socket.write(gathered);
    if (this.#socket.writableLength > 0) this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES); // the socket keeps the old one
  }

  /** What is large is not copied; it goes behind what was gathered before it. */
  #passOn(bytes: Uint8Array): void {
    this.flush();
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  #room(length: number): number {
    if (this.#length + length > BUFFER_BYTES) this.flush();
    const at = this.#length;
    this.#length += length;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flush);
    }
    return at;
  }
}

function uint32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}
