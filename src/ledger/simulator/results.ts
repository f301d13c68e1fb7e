import { SelvageError } from '../../common/errors.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import { InFlight } from './in-flight.ts';
import type { ResultsIterator } from './tx-simulator.ts';

export interface ResultsParts<T> {
  readonly next: () => MaybePromise<T | undefined>;
  readonly close: () => unknown;
  /** Most results handed out; the one after them is not even asked for. */
  readonly limit: number;
  /** Throws when the simulation is over; called before every step. */
  readonly check: () => void;
  /** Where the simulation counts its running calls. */
  readonly running: InFlight;
}

/** Results of one query of a simulation. Closing it waits for a step that is running; closing twice is harmless. */
export class Results<T> implements ResultsIterator<T> {
  readonly #parts: ResultsParts<T>;
  readonly #running = new InFlight();
  #given = 0;
  #closed: Promise<void> | undefined;

  constructor(parts: ResultsParts<T>) {
    this.#parts = parts;
  }

  next(): MaybePromise<T | undefined> {
    return this.asking(() => {
      if (this.#given >= this.#parts.limit) return undefined;
      this.#given += 1;
      return this.#parts.next();
    });
  }

  /** One step of the query, while it may still be asked: closing waits for it. */
  asking<R>(step: () => MaybePromise<R>): MaybePromise<R> {
    this.#parts.check();
    if (this.#closed !== undefined) throw new SelvageError('SIMULATION_FAILED', 'the iterator is closed');
    return this.#parts.running.track(this.#running.track(step()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#running.idle();
    await this.#parts.close();
  }
}
