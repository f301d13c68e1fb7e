import type { Clock } from '../common/clock.ts';

/** How a chaincode that fails again and again is started more and more rarely. Times are in milliseconds. */
export interface RestartLimits {
  /** Failures in a row that cost no pause: a crash is an accident first. */
  readonly free: number;
  /** The pause after the first failure that does; each further one doubles it. */
  readonly firstMs: number;
  readonly mostMs: number;
  /** Who ran that long did not fail by starting: its end is the first in a new row. */
  readonly stableMs: number;
}

export const DEFAULT_RESTART_LIMITS: RestartLimits = { free: 3, firstMs: 1_000, mostMs: 30_000, stableMs: 60_000 };

/** Counts failures in a row and says how long to wait for the next start. Waits nothing itself. */
export class RestartPause {
  readonly #limits: RestartLimits;
  readonly #clock: Clock;
  #failures = 0;
  #lastFailure = 0;
  #started = 0;

  constructor(limits: RestartLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  started(): void {
    this.#started = this.#now();
  }

  /** What ran ended although nobody wanted that. */
  ended(): void {
    if (this.#now() - this.#started >= this.#limits.stableMs) this.#failures = 0;
    this.failed();
  }

  failed(): void {
    this.#failures += 1;
    this.#lastFailure = this.#now();
  }

  /** Milliseconds until the next start. */
  get remaining(): number {
    const { free, firstMs, mostMs } = this.#limits;
    if (this.#failures <= free) return 0;
    const pause = Math.min(mostMs, firstMs * 2 ** (this.#failures - free - 1));
    return Math.max(0, this.#lastFailure + pause - this.#now());
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}
