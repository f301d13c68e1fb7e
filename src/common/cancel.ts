import { SelvageError } from './errors.ts';
import { timerMs } from './timers.ts';

/** What every function that waits takes: the signal says that nobody wants the answer any more. */
export interface Cancellable {
  readonly signal: AbortSignal;
  /** Says the same where the signal is made only when somebody asks for it; use {@link cancellationOf}. */
  readonly cancellation?: Cancellation | undefined;
}

/** What an abort signal says, without its cost: most work is over before anybody wants to hear that it is not wanted. */
export interface Cancellation {
  /** Whether nobody wants the answer any more, and then why. */
  readonly aborted: boolean;
  readonly reason: unknown;
  /** Calls `listener` once when nobody wants the answer any more, at once if that is so already. @returns what takes it back */
  listen(listener: (reason: unknown) => void): () => void;
}

/** Asks for the signal, which may be made then, only where there is nothing else. */
export const cancellationOf = (options: Cancellable): Cancellation => options.cancellation ?? ofSignal(options.signal);

/** @throws the reason, when nobody wants the answer any more */
export function throwIfAborted(options: Cancellable): void {
  const { cancellation } = options;
  if (cancellation === undefined) options.signal.throwIfAborted();
  else if (cancellation.aborted) throw cancellation.reason;
}

const nothing = (): void => undefined;

const ofSignal = (signal: AbortSignal): Cancellation => ({
  aborted: signal.aborted,
  reason: signal.reason,
  listen: (listener) => {
    const heard = (): void => listener(signal.reason);
    if (signal.aborted) heard();
    else signal.addEventListener('abort', heard, { once: true });
    return () => signal.removeEventListener('abort', heard);
  },
});

/** As an abort controller, whose signal is made when somebody asks for it. The first reason is the one that counts. */
export class LazyAbort implements Cancellation {
  #ended: { readonly reason: unknown } | undefined;
  #controller: AbortController | undefined;
  #listeners: Set<(reason: unknown) => void> | undefined;

  get aborted(): boolean {
    return this.#ended !== undefined;
  }

  get reason(): unknown {
    return this.#ended?.reason;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#ended !== undefined) this.#controller.abort(this.#ended.reason);
    return this.#controller.signal;
  }

  listen(listener: (reason: unknown) => void): () => void {
    if (this.#ended !== undefined) {
      listener(this.#ended.reason);
      return nothing;
    }
    this.#listeners ??= new Set();
    const listeners = this.#listeners.add(listener);
    return () => listeners.delete(listener);
  }

  abort(reason: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = { reason };
    this.#controller?.abort(reason);
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener(reason);
  }
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
