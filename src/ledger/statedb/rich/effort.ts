import { beyondBounds } from './refusal.ts';

/** Steps that judging one document may take: some milliseconds. CouchDB has no bound; here others wait meanwhile. */
const STEPS_FOR_A_DOCUMENT = 400_000;

/** Told of steps that are about to be taken, or were a moment ago. @throws {SelvageError} when they are too many */
export type Spend = (steps: number) => void;

export const FREE: Spend = () => undefined;

/** Counts the steps that a document takes, so that no selector and no document hold the event loop. */
export class Effort {
  #left = STEPS_FOR_A_DOCUMENT;

  /** @throws {SelvageError} when it was too much for one document */
  readonly spend: Spend = (steps) => {
    this.#left -= steps;
    if (this.#left < 0) throw beyondBounds('judging one document by this selector takes too long; make the selector simpler');
  };
}
