import { hex } from '../../common/bytes.ts';

/** Requests of one peer that are worked on at a time. */
const AT_ONCE = 4;

/**
 * Lets a few requests of each peer be worked on beside what else its stream brings. Who asks for more is not read from until one of them
 * is done.
 */
export class RequestTurns {
  readonly #running = new Map<string, Set<Promise<void>>>();

  /** Starts the work, which must not throw. Resolves when the next request of the same peer may come. */
  async take(pkiId: Uint8Array, work: () => Promise<void>): Promise<void> {
    const key = hex(pkiId);
    const running = this.#running.get(key) ?? new Set();
    this.#running.set(key, running);
    const one = work().finally(() => {
      running.delete(one);
      if (running.size === 0) this.#running.delete(key);
    });
    running.add(one);
    if (running.size >= AT_ONCE) await Promise.race(running);
  }
}
