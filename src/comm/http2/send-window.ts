import type { Output } from './output.ts';
import { ConnectionError, DEFAULT_WINDOW, ErrorCode, MAX_WINDOW } from './protocol.ts';
import type { HostedStream } from './stream-host.ts';

/** Bytes that may wait in the socket before streams stop sending. */
const CLOGGED_BYTES = 1024 * 1024;

/** What the other side lets a connection send, and the streams that wait for it. */
export class SendWindow {
  readonly #output: Output;
  readonly #wanted: { readonly frameSize: number };
  readonly #blocked = new Set<HostedStream>();
  #left = DEFAULT_WINDOW;
  #queued = 0;
  #pumping = false;

  /** @param wanted the largest frame that the other side takes, as of now */
  constructor(output: Output, wanted: { readonly frameSize: number }) {
    this.#output = output;
    this.#wanted = wanted;
  }

  /** Bytes of all streams that wait. */
  get queued(): number {
    return this.#queued;
  }

  /** Takes `length` bytes if a frame of them may leave at once. */
  claim(length: number, streamWindow: number): boolean {
    if (length > this.room(streamWindow)) return false;
    this.#left -= length;
    return true;
  }

  /** Bytes that the next frame of a stream may have. */
  room(streamWindow: number): number {
    if (this.#output.waiting > CLOGGED_BYTES) return 0;
    return Math.min(this.#wanted.frameSize, this.#left, streamWindow);
  }

  /** A queued frame has left. */
  spend(length: number): void {
    this.#left -= length;
    this.#queued -= length;
  }

  /** A stream has so many more bytes queued. */
  queue(stream: HostedStream, length: number): void {
    this.#queued += length;
    this.#blocked.add(stream);
  }

  dequeue(stream: HostedStream): void {
    this.#blocked.delete(stream);
  }

  isBlocked(stream: HostedStream): boolean {
    return this.#blocked.has(stream);
  }

  /** The stream is closed; what it had queued is not sent. */
  forget(stream: HostedStream): void {
    this.#blocked.delete(stream);
    this.#queued -= stream.queued;
  }

  /** The other side takes more. @throws {ConnectionError} */
  widen(increment: number): void {
    if (increment === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'a WINDOW_UPDATE by nothing');
    this.#left += increment;
    if (this.#left > MAX_WINDOW) throw windowTooLarge();
    this.pump();
  }

  /** Every queued stream in turn, for as long as one of them gets on. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let moved = true; moved; ) {
        moved = false;
        for (const stream of this.#blocked) if (stream.pump()) moved = true;
      }
    } finally {
      this.#pumping = false;
    }
  }
}

export const windowTooLarge = (): ConnectionError => new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'a window over its limit');
