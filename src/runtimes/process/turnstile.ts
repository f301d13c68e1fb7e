import { type Cancellable, orAbort } from '../../common/cancel.ts';

/** Lets a limited number of pieces of work run at a time; the others wait in line. */
export class Turnstile {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  async run<T>(work: () => Promise<T>, { signal }: Cancellable): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    let admit: () => void = () => undefined;
    const admitted = new Promise<void>((resolve) => {
      admit = resolve;
    });
    this.#line.push(admit);
    try {
      await orAbort(admitted, signal);
    } catch (left) {
      const at = this.#line.indexOf(admit);
      if (at >= 0) this.#line.splice(at, 1);
      else this.#leave(); // it was let in while it left
      throw left;
    }
  }

  #leave(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
