import { ByteBudget } from '../comm/byte-budget.ts';
import { EXHAUSTED, MAX_MESSAGE_BYTES } from '../comm/limits.ts';
import type { UnaryOptions } from '../comm/transport.ts';
import { SelvageError } from '../common/errors.ts';

/** Five of the largest, as of requests. */
const MOST_BYTES = 5 * MAX_MESSAGE_BYTES;

/** What one client's call makes others answer, from the first byte until the call is over. Its signal aborts when it holds too much. */
export interface HeldAnswers extends Required<Pick<UnaryOptions, 'signal' | 'received'>>, Disposable {}

/**
 * Counts what endorsers answer while clients wait for others: each may send a message of the largest size, and a client may ask as often
 * as it likes. Where they are too much together, the call that holds most ends; small ones do not notice.
 */
export class AnswerBudget {
  readonly #budget: ByteBudget;

  /** @param total bytes that all calls may hold together */
  constructor(total = MOST_BYTES) {
    this.#budget = new ByteBudget({ perConnection: Number.POSITIVE_INFINITY, total });
  }

  /** Bytes that are held now, and what their pieces cost. */
  get held(): number {
    return this.#budget.held;
  }

  /** @param signal of the client's call */
  open(signal: AbortSignal): HeldAnswers {
    const over = new AbortController();
    const holding = this.#budget.open({}, () => over.abort(new SelvageError('OVERLOADED', EXHAUSTED)));
    const left = (): void => over.abort(signal.reason);
    signal.addEventListener('abort', left, { once: true });
    if (signal.aborted) left();
    return {
      signal: over.signal,
      received: (bytes) => holding.received(bytes),
      [Symbol.dispose]: () => {
        signal.removeEventListener('abort', left);
        holding[Symbol.dispose]();
      },
    };
  }
}
