import type { Clock } from '../../common/clock.ts';

export interface TokenRate {
  readonly perSecond: number;
  /** How many may be taken at once after a pause. */
  readonly burst: number;
}

/** How often something may happen: so many times a second, and as many more as were left over before, up to a bound. */
export class TokenBucket {
  readonly #rate: TokenRate;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(rate: TokenRate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate.burst;
    this.#at = clock.now().getTime();
  }

  /** Whether there was one left. */
  take(): boolean {
    const now = this.#clock.now().getTime();
    const { perSecond, burst } = this.#rate;
    this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, now - this.#at) * perSecond) / 1000);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
