import { SelvageError } from '../../common/errors.ts';

/** About half a second of work. */
const MOST = 60_000_000;

/**
 * What looking through policies may cost for one question, in comparisons of two sets of principals; everything else is counted as so
 * many. Policies come with requests, too, and whoever sends many large ones ends with an error instead of a busy peer.
 */
export class PolicyBudget {
  #left: number;

  constructor(most = MOST) {
    this.#left = most;
  }

  /** @throws {SelvageError} `MALFORMED` */
  spend(comparisons: number): void {
    this.#left -= comparisons;
    if (this.#left >= 0) return;
    throw new SelvageError('MALFORMED', 'the endorsement policies are too many, or combine in too many ways, to look through', {
      advice: 'Ask for fewer chaincodes and collections at a time, or name the endorsing organizations.',
    });
  }
}
