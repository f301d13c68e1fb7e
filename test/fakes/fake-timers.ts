import type { Timers } from '../../src/common/timers.ts';

interface Waiting {
  readonly at: number;
  readonly work: () => void;
}

/** A clock that stands until somebody lets time pass. What is due at the same moment happens in the order it was asked for. */
export class FakeTimers implements Timers {
  #now: number;
  readonly #waiting = new Set<Waiting>();
  readonly #settled: () => Promise<void>;

  /**
   * @param start milliseconds since 1970
   * @param settled resolves when nothing is in progress that does not wait for time; time goes on only then
   */
  constructor({
    start = Date.UTC(2026, 0, 1),
    settled = oneTurn,
  }: { readonly start?: number; readonly settled?: () => Promise<void> } = {}) {
    this.#now = start;
    this.#settled = settled;
  }

  now(): Date {
    return new Date(this.#now);
  }

  after(ms: number, work: () => void): Disposable {
    const waiting = { at: this.#now + ms, work };
    this.#waiting.add(waiting);
    return { [Symbol.dispose]: () => void this.#waiting.delete(waiting) };
  }

  /** How many wait. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Lets time pass, and what is due in it happen. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.#settled();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#now = Math.max(this.#now, next.at);
      this.#waiting.delete(next);
      next.work();
      await this.#settled();
    }
    this.#now = until;
  }

  #next(until: number): Waiting | undefined {
    let first: Waiting | undefined;
    for (const waiting of this.#waiting) if (waiting.at <= until && (first === undefined || waiting.at < first.at)) first = waiting;
    return first;
  }
}

/** Everything that is ready to run has run, and what that made ready too. */
const oneTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
