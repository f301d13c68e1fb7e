/** What the other side may send: of a stream, or of a connection. It is let send again in pieces of half a window, while somebody reads. */
export class ReceiveWindow {
  readonly #half: number;
  #left: number;
  #credit = 0;
  #unread = 0;

  /** @param size bytes that it may send at first, and ahead of who reads them */
  constructor(size: number) {
    this.#left = size;
    this.#half = size / 2;
  }

  /** Bytes have come. False when there are more than it was let send. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    this.#credit += bytes;
    return this.#left >= 0;
  }

  /** Counts bytes of messages that wait for a reader; less than none for those that were read. */
  unread(bytes: number): void {
    this.#unread += bytes;
  }

  /** Forgets what nobody reads any more. @returns how many bytes that were */
  abandon(): number {
    const unread = this.#unread;
    this.#unread = 0;
    return unread;
  }

  /** How many bytes it may send again, which it is then told; 0 for none now. */
  grant(): number {
    if (this.#credit < this.#half || this.#unread >= this.#half) return 0;
    const credit = this.#credit;
    this.#credit = 0;
    this.#left += credit;
    return credit;
  }
}
