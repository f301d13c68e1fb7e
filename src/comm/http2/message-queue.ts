import { Delivery, type Incoming, type Listener, type Waiting } from '../../common/incoming.ts';

/** Messages that have come and wait for whoever reads them. One reader at a time, or one listener. */
export class MessageQueue implements AsyncIterableIterator<Uint8Array>, Incoming<Uint8Array>, Waiting<Uint8Array> {
  readonly #taken: (bytes: number) => void;
  #messages: Uint8Array[] = [];
  #next = 0;
  #waiting: { resolve(result: IteratorResult<Uint8Array>): void; reject(reason: unknown): void } | undefined;
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  #delivery: Delivery<Uint8Array> | undefined;

  /** @param taken is told the length of each message that somebody took */
  constructor(taken: (bytes: number) => void) {
    this.#taken = taken;
  }

  push(message: Uint8Array): void {
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#messages.push(message);
      this.#delivery?.proceed();
      return;
    }
    this.#waiting = undefined;
    this.#taken(message.length);
    waiting.resolve({ done: false, value: message });
  }

  listen(listener: Listener<Uint8Array>): void {
    this.#delivery = new Delivery(this, listener);
    this.#delivery.proceed();
  }

  /** Nothing more comes. */
  end(): void {
    this.#ended = true;
    this.#waiting?.resolve(DONE);
    this.#waiting = undefined;
    this.#delivery?.proceed();
  }

  /** The stream broke: its reader is told after the messages that came before. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#waiting?.reject(reason);
    this.#waiting = undefined;
    this.#delivery?.proceed();
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const message = this.take();
    if (message !== undefined) return Promise.resolve({ done: false, value: message });
    if (this.#failure !== undefined) return Promise.reject(this.#failure.reason);
    if (this.#ended) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  get over(): { readonly failure: unknown } | undefined {
    if (this.#failure !== undefined) return { failure: this.#failure.reason };
    return this.#ended ? { failure: undefined } : undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next message that has come, if it has. */
  take(): Uint8Array | undefined {
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
}

const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined };
