import type { MaybePromise } from '../../common/maybe.ts';

/** Calls that still wait for the state, so that nothing is closed under them. */
export class InFlight {
  readonly #pending = new Set<Promise<void>>();

  /** Passes the answer on; while it is a promise it counts as running. */
  track<T>(answer: MaybePromise<T>): MaybePromise<T> {
    if (!(answer instanceof Promise)) return answer;
    const over = () => {
      this.#pending.delete(ended);
    };
    const ended: Promise<void> = answer.then(over, over);
    this.#pending.add(ended);
    return answer;
  }

  get none(): boolean {
    return this.#pending.size === 0;
  }

  /** Resolves when none is running, those that began meanwhile included. Never rejects. */
  async idle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }
}
