import { beyondBounds } from './refusal.ts';

/** Steps that judging one document may take: some milliseconds. CouchDB has no bound; here others wait meanwhile. */
const STEPS_FOR_A_DOCUMENT = 400_000;

/** Counts the steps that a document takes, so that no selector and no document hold the event loop. */
export class Effort {
  #left = STEPS_FOR_A_DOCUMENT;

  /** @throws {SelvageError} when it was too much for one document */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw beyondBounds('judging one document by this selector takes too long; make the selector simpler');
  }
}
