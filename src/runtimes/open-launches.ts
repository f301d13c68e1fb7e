import type { ChaincodeInstance } from '../chaincode/ports/runtime.ts';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';

/**
 * What a runtime has under way and what it has started, so that nothing of either outlives it. Disposing aborts the work, waits until
 * it has cleaned up after itself, then stops what runs, and resolves when all of it is gone.
 */
export class OpenLaunches implements AsyncDisposable {
  readonly #over = new AbortController();
  readonly #work = new Set<Promise<unknown>>();
  readonly #running = new Set<ChaincodeInstance>();

  /** Aborts when the runtime is disposed. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * Runs a build or a launch. Its signal aborts with the caller's and when the runtime is disposed.
   * @throws the caller's reason when the caller gave up, whatever the work made of that; else what the work threw
   */
  async run<T>(work: (options: Cancellable) => Promise<T>, { signal }: Cancellable): Promise<T> {
    const working = work({ signal: AbortSignal.any([signal, this.#over.signal]) });
    try {
      return await this.watch(working);
    } catch (thrown) {
      throw signal.aborted ? signal.reason : thrown;
    }
  }

  /** Has the end of the runtime wait for this. */
  async watch<T>(working: Promise<T>): Promise<T> {
    this.#work.add(working);
    try {
      return await working;
    } finally {
      this.#work.delete(working);
    }
  }

  /** An instance that runs: the end of the runtime stops it. @returns the same */
  own<T extends ChaincodeInstance>(instance: T): T {
    this.#running.add(instance);
    void instance.exited.then(() => this.#running.delete(instance));
    return instance;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new SelvageError('CANCELLED', 'the chaincode runtime is shutting down'));
    await Promise.allSettled(this.#work);
    await Promise.allSettled([...this.#running].map((instance) => instance[Symbol.asyncDispose]()));
  }
}
