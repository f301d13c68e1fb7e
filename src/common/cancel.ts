import { SelvageError } from './errors.ts';
import { timerMs } from './timers.ts';

/** What every function that waits takes: the signal says that nobody wants the answer any more. */
export interface Cancellable {
  readonly signal: AbortSignal;
}

/** The promise's outcome, or the signal's reason if that comes first. The work behind the promise is not stopped. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined);
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** A limit in time whose timer can be taken back. Dispose it when the work is over, or the timer keeps its memory. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #parent: AbortSignal | undefined;
  readonly #giveUp: () => void;
  #expired = false;

  /** @param ms milliseconds until `signal` aborts with a `DEADLINE_EXCEEDED` error of that `message` */
  constructor(ms: number, message: string, parent?: AbortSignal) {
    this.#timer = setTimeout(() => this.#expire(message), timerMs(ms));
    this.#parent = parent;
    this.#giveUp = () => this.#controller.abort(parent?.reason);
    if (parent?.aborted === true) this.#giveUp();
    else parent?.addEventListener('abort', this.#giveUp, { once: true }); // AbortSignal.any costs ten times as much
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the time was up; false when it was the parent who gave up. */
  get expired(): boolean {
    return this.#expired;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#parent?.removeEventListener('abort', this.#giveUp);
  }

  #expire(message: string): void {
    this.#expired = !this.signal.aborted;
    this.#controller.abort(new SelvageError('DEADLINE_EXCEEDED', message));
  }
}
