import type { Output } from './output.ts';
import { FRAME_HEAD_BYTES } from './protocol.ts';

/** Bytes that may wait in the socket before control frames are counted. */
const STALLED_BYTES = 64 * 1024;

/** Frames that answer the other side, which could make them pile up by not reading them. */
export class ControlFrames {
  readonly #output: Output;
  readonly #most: number;
  readonly #tooMany: () => void;
  #unread = 0;

  /**
   * @param most bytes of them that may wait
   * @param tooMany is called when there are more
   */
  constructor(output: Output, most: number, tooMany: () => void) {
    this.#output = output;
    this.#most = most;
    this.#tooMany = tooMany;
  }

  /** Begins a frame; its payload of `length` bytes follows. */
  begin(length: number, type: number, flags: number, stream: number): void {
    if (this.#output.waiting > STALLED_BYTES) {
      this.#unread += FRAME_HEAD_BYTES + length;
      if (this.#unread > this.#most) this.#tooMany();
    }
    this.#output.head(length, type, flags, stream);
  }

  /** The socket has taken what waited. */
  drained(): void {
    this.#unread = 0;
  }
}
