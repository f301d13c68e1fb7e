/** Those who wait for a block, each with the signal that ends its patience. */
export class BlockWaiters {
  readonly #waiting = new Map<bigint, Set<() => void>>();
  #height: bigint;

  constructor(height: bigint) {
    this.#height = height;
  }

  /** Resolves when the height is above `number`. Rejects with the signal's reason. */
  waitFor(number: bigint, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (number < this.#height) return resolve();
      const arrived = (): void => {
        signal.removeEventListener('abort', left);
        resolve();
      };
      const left = (): void => {
        this.#forget(number, arrived);
        reject(signal.reason);
      };
      this.#at(number).add(arrived);
      signal.addEventListener('abort', left, { once: true });
    });
  }

  /** Wakes everybody who waited for a block below `height`. */
  reached(height: bigint): void {
    for (let number = this.#height; number < height; number += 1n) {
      for (const arrived of this.#waiting.get(number) ?? []) arrived();
      this.#waiting.delete(number);
    }
    this.#height = height;
  }

  #at(number: bigint): Set<() => void> {
    const waiting = this.#waiting.get(number) ?? new Set();
    this.#waiting.set(number, waiting);
    return waiting;
  }

  #forget(number: bigint, arrived: () => void): void {
    const waiting = this.#waiting.get(number);
    waiting?.delete(arrived);
    if (waiting?.size === 0) this.#waiting.delete(number);
  }
}
