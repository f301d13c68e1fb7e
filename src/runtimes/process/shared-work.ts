import type { Cancellable } from '../../common/cancel.ts';

interface Shared<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
}

/**
 * Work that many ask for and one does. A caller that leaves drops only its own wait; when the last one has left, the work is
 * aborted, and that caller waits until it has stopped.
 */
export class SharedWork<T> {
  readonly #running = new Map<string, Shared<T>>();

  async run(key: string, work: (options: Cancellable) => Promise<T>, { signal }: Cancellable): Promise<T> {
    signal.throwIfAborted();
    const shared = this.#running.get(key) ?? this.#start(key, work);
    shared.waiting += 1;
    let leave: (() => void) | undefined;
    const left = new Promise<never>((_, reject) => {
      leave = () => this.#leave(key, shared).then(() => reject(signal.reason));
      signal.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([shared.result, left]);
    } catch (thrown) {
      signal.throwIfAborted(); // who left hears its own reason, not how the work took it
      throw thrown;
    } finally {
      if (leave !== undefined) signal.removeEventListener('abort', leave);
    }
  }

  #start(key: string, work: (options: Cancellable) => Promise<T>): Shared<T> {
    const abort = new AbortController();
    const result = work({ signal: abort.signal }).finally(() => this.#forget(key, shared));
    result.catch(() => undefined); // all who asked may have left
    const shared: Shared<T> = { result, abort, waiting: 0 };
    this.#running.set(key, shared);
    return shared;
  }

  async #leave(key: string, shared: Shared<T>): Promise<void> {
    shared.waiting -= 1;
    if (shared.waiting > 0) return;
    this.#forget(key, shared); // who asks from now on starts anew
    shared.abort.abort(new Error('nobody waits for this any more'));
    await shared.result.catch(() => undefined);
  }

  #forget(key: string, shared: Shared<T>): void {
    if (this.#running.get(key) === shared) this.#running.delete(key);
  }
}
