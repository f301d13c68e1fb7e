/**
 * A signal for short calls that must not be cut off, because the engine would finish them without telling us what it made: it
 * aborts some time after the caller's, and at the latest when the engine is taken to hang.
 */
export class Lingering implements Disposable {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal;
  readonly #ms: number;
  #timer: NodeJS.Timeout | undefined;
  readonly signal = this.#controller.signal;

  constructor(parent: AbortSignal, ms = 10_000) {
    this.#parent = parent;
    this.#ms = ms;
    parent.addEventListener('abort', this.#leave, { once: true });
    if (parent.aborted) this.#leave();
  }

  readonly #leave = (): void => {
    this.#timer ??= setTimeout(() => this.#controller.abort(this.#parent.reason), this.#ms);
  };

  [Symbol.dispose](): void {
    this.#parent.removeEventListener('abort', this.#leave);
    clearTimeout(this.#timer);
  }
}

/** Does a short call to its end, then rejects with the signal's reason if it was aborted meanwhile. */
export async function toItsEnd<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  using lingering = new Lingering(signal);
  const result = await work(lingering.signal);
  signal.throwIfAborted();
  return result;
}
