/**
 * How often the other side may do what costs it little and us something. It holds `burst` at first and gains `perSecond`.
 * The clock is asked only when the burst is used up.
 */
export class Budget {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #now: () => number;
  #left: number;
  #since: number;

  /** @param now milliseconds, of a clock that only goes forward */
  constructor(burst: number, perSecond: number, now: () => number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#now = now;
    this.#left = burst;
    this.#since = now();
  }

  /** Takes one; false when there is none left. */
  take(): boolean {
    if (this.#left < 1) this.#refill();
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  /** Adds some, over the burst if need be. */
  give(count: number): void {
    this.#left += count;
  }

  #refill(): void {
    const now = this.#now();
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#since) * this.#perSecond) / 1000);
    this.#since = now;
  }
}
