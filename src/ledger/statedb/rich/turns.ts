import { setImmediate as nextTurn } from 'node:timers/promises';
import { SelvageError } from '../../../common/errors.ts';

/** How long a scan keeps the event loop: others wait no longer than a few times this on a busy machine. */
const SLICE_MS = 4;

/** The turns of one query: it works for a few milliseconds, then everybody else has the event loop. */
export class Turns implements Disposable {
  #until = performance.now() + SLICE_MS;
  #ended = false;

  /** Whether it has worked long enough. */
  get due(): boolean {
    return performance.now() >= this.#until;
  }

  /** Lets the others work. @throws {SelvageError} `CANCELLED` if nobody wants the query any more */
  async next(): Promise<void> {
    await nextTurn();
    if (this.#ended) throw new SelvageError('CANCELLED', 'the query was closed');
    this.#until = performance.now() + SLICE_MS;
  }

  [Symbol.dispose](): void {
    this.#ended = true;
  }
}
