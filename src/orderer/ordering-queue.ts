import { timerMs } from '../common/timers.ts';

/** What {@link OrderingQueue.next} gives: a message, or why there is none. */
export type Next<T> = { readonly is: 'message'; readonly message: T } | { readonly is: 'timeout' } | { readonly is: 'closed' };

/** Messages on their way to the one place that orders them. Bounded: who brings too much waits until there is room. */
export class OrderingQueue<T> {
  readonly #limit: number;
  readonly #messages: T[] = [];
  readonly #waitForRoom: (() => void)[] = [];
  #wakeReader: (() => void) | undefined;
  #closed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Messages that nobody has taken yet. */
  get length(): number {
    return this.#messages.length;
  }

  /** Puts a message in, when there is room. @returns whether it went in: not after {@link close} */
  async push(message: T): Promise<boolean> {
    while (this.#messages.length >= this.#limit && !this.#closed) await new Promise<void>((resolve) => this.#waitForRoom.push(resolve));
    if (this.#closed) return false;
    this.#messages.push(message);
    this.#wakeReader?.();
    return true;
  }

  /**
   * The oldest message; waits for one, but not longer than `timeoutMs` when that is given. A closed queue gives what it still
   * holds. One reader at a time.
   */
  async next(timeoutMs?: number): Promise<Next<T>> {
    if (this.#messages.length === 0 && !this.#closed) await this.#arrival(timeoutMs);
    const message = this.#messages.shift();
    if (message === undefined) return this.#closed ? { is: 'closed' } : { is: 'timeout' };
    this.#waitForRoom.shift()?.();
    return { is: 'message', message };
  }

  #arrival(timeoutMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => this.#wakeReader?.(), timerMs(timeoutMs));
      this.#wakeReader = () => {
        clearTimeout(timer);
        this.#wakeReader = undefined;
        resolve();
      };
    });
  }

  /** Takes no more messages. Whoever waits for room learns that there is none. */
  close(): void {
    this.#closed = true;
    this.#wakeReader?.();
    for (const resume of this.#waitForRoom.splice(0)) resume();
  }
}
