import type { Incoming, Listener } from '../../common/incoming.ts';

/** Messages that have come and wait for whoever reads them. One reader at a time, or one listener. */
export class MessageQueue implements AsyncIterableIterator<Uint8Array>, Incoming<Uint8Array> {
  readonly #taken: (bytes: number) => void;
  #messages: Uint8Array[] = [];
  #next = 0;
  #waiting: { resolve(result: IteratorResult<Uint8Array>): void; reject(reason: unknown): void } | undefined;
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  #listener: Listener<Uint8Array> | undefined;
  /** Whether the listener is busy with a message. */
  #held = false;

  /** @param taken is told the length of each message that somebody took */
  constructor(taken: (bytes: number) => void) {
    this.#taken = taken;
  }

  push(message: Uint8Array): void {
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#messages.push(message);
      if (this.#listener !== undefined) this.#handOver(this.#listener);
      return;
    }
    this.#waiting = undefined;
    this.#taken(message.length);
    waiting.resolve({ done: false, value: message });
  }

  listen(listener: Listener<Uint8Array>): void {
    this.#listener = listener;
    this.#handOver(listener);
  }

  /** Nothing more comes. */
  end(): void {
    this.#ended = true;
    this.#waiting?.resolve(DONE);
    this.#waiting = undefined;
    if (this.#listener !== undefined) this.#handOver(this.#listener);
  }

  /** The stream broke: its reader is told after the messages that came before. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#waiting?.reject(reason);
    this.#waiting = undefined;
    if (this.#listener !== undefined) this.#handOver(this.#listener);
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const message = this.#take();
    if (message !== undefined) return Promise.resolve({ done: false, value: message });
    if (this.#failure !== undefined) return Promise.reject(this.#failure.reason);
    if (this.#ended) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): Uint8Array | undefined {
    const message = this.#messages[this.#next];
    if (message === undefined) return undefined;
    this.#next += 1;
    if (this.#next === this.#messages.length) {
      this.#messages = [];
      this.#next = 0;
    }
    this.#taken(message.length);
    return message;
  }

  /** Gives the listener what is there, until it is busy with one; and tells it the end, once. */
  #handOver(listener: Listener<Uint8Array>): void {
    while (!this.#held) {
      const message = this.#take();
      if (message === undefined) {
        this.#tellEnd(listener);
        return;
      }
      this.#held = true; // what comes while it looks at this one waits
      const handled = listener.received(message);
      if (handled instanceof Promise) {
        void handled.then(() => this.#release(listener));
        return;
      }
      this.#held = false;
    }
  }

  #release(listener: Listener<Uint8Array>): void {
    this.#held = false;
    this.#handOver(listener);
  }

  #tellEnd(listener: Listener<Uint8Array>): void {
    if (this.#failure === undefined && !this.#ended) return;
    this.#listener = undefined;
    this.#held = true;
    listener.ended(this.#failure?.reason);
  }
}

const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined };
