interface Waiter {
  readonly arrived: () => void;
  readonly failed: (reason: unknown) => void;
}

/** Those who wait for a block, each with the signal that ends its patience. */
export class BlockWaiters {
  readonly #waiting = new Map<bigint, Set<Waiter>>();
  #height: bigint;
  #closed: { readonly reason: unknown } | undefined;

  constructor(height: bigint) {
    this.#height = height;
  }

  /** Resolves when the height is above `number`. Rejects with the signal's reason, or with that of {@link close}. */
  waitFor(number: bigint, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (number < this.#height) return resolve();
      if (this.#closed !== undefined) return reject(this.#closed.reason);
      const end = (settle: () => void): void => {
        signal.removeEventListener('abort', left);
        settle();
      };
      const waiter = { arrived: () => end(resolve), failed: (reason: unknown) => end(() => reject(reason)) };
      const left = (): void => {
        this.#forget(number, waiter);
        reject(signal.reason);
      };
      this.#at(number).add(waiter);
      signal.addEventListener('abort', left, { once: true });
    });
  }

  /** Wakes everybody who waited for a block below `height`. */
  reached(height: bigint): void {
    for (let number = this.#height; number < height; number += 1n) {
      for (const { arrived } of this.#waiting.get(number) ?? []) arrived();
      this.#waiting.delete(number);
    }
    this.#height = height;
  }

  /** No more blocks will come: everybody who waits, and will wait, is refused. */
  close(reason: unknown): void {
    this.#closed = { reason };
    for (const waiting of this.#waiting.values()) for (const { failed } of waiting) failed(reason);
    this.#waiting.clear();
  }

  #at(number: bigint): Set<Waiter> {
    const waiting = this.#waiting.get(number) ?? new Set();
    this.#waiting.set(number, waiting);
    return waiting;
  }

  #forget(number: bigint, waiter: Waiter): void {
    const waiting = this.#waiting.get(number);
    waiting?.delete(waiter);
    if (waiting?.size === 0) this.#waiting.delete(number);
  }
}
