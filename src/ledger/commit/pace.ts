import { setImmediate } from 'node:timers/promises';

/** Units of work (about a microsecond or two each) between two turns of the event loop. */
const STRIDE = 2_000;

/** Lets other work in now and then while a large block is being gone through. */
export class Pace {
  #spent = 0;

  /** @returns a promise to await when it is time to let others run */
  spend(units: number): Promise<void> | undefined {
    this.#spent += units;
    if (this.#spent < STRIDE) return undefined;
    this.#spent = 0;
    return setImmediate();
  }
}

/** How many keys are looked up, or written down, in one go. */
const BATCH = 500;

export function* batches<T>(list: readonly T[]): Generator<readonly T[], undefined> {
  for (let at = 0; at < list.length; at += BATCH) yield list.slice(at, at + BATCH);
}
