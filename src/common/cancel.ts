import { SelvageError } from './errors.ts';

/** What every function that waits takes: the signal says that nobody wants the answer any more. */
export interface Cancellable {
  readonly signal: AbortSignal;
}

/** The promise's outcome, or the signal's reason if that comes first. The work behind the promise is not stopped. */
export async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined);
    throw signal.reason;
  }
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}

/** A limit in time whose timer can be taken back. Dispose it when the work is over, or the timer keeps its memory. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly signal: AbortSignal;

  /** @param ms milliseconds until `signal` aborts with a `DEADLINE_EXCEEDED` error of that `message` */
  constructor(ms: number, message: string, parent?: AbortSignal) {
    this.#timer = setTimeout(() => this.#controller.abort(new SelvageError('DEADLINE_EXCEEDED', message)), ms);
    this.signal = parent === undefined ? this.#controller.signal : AbortSignal.any([parent, this.#controller.signal]);
  }

  /** Whether the time was up; false when it was the parent who gave up. */
  get expired(): boolean {
    return this.#controller.signal.aborted;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
