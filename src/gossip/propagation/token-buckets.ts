import type { Clock } from '../../common/clock.ts';
import { LruCache } from '../../common/lru.ts';
import { TokenBucket, type TokenRate } from './token-bucket.ts';

/** More neighbours, or organisations, than a peer has. Whoever is forgotten begins anew. */
const MOST = 4_000;

/** A bucket for each of many, so that one who wants much takes nothing from the others. */
export class TokenBuckets {
  readonly #rate: TokenRate;
  readonly #clock: Clock;
  readonly #buckets = new LruCache<string, TokenBucket>(MOST);

  constructor(rate: TokenRate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  take(key: string): boolean {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#rate, this.#clock);
    this.#buckets.set(key, bucket);
    return bucket.take();
  }
}
