/** One signature to be made or judged. */
export interface SignatureJob<T> {
  /** On this thread, at once. */
  now(): T;
  /** In the thread pool. */
  onThread(done: (error: Error | null, result: T) => void): void;
}

interface Waiting {
  begin(alone: boolean): void;
}

/**
 * Decides where signatures are made and judged. A job that is alone runs at once on this thread, which is quickest for it; several that
 * are asked for together go to the thread pool, and so does what comes while one is there.
 */
export class SignatureWork {
  #queue: Waiting[] = [];
  #onThreads = 0;

  /** Waits for the end of the current turn, so that it is known who else asks. Rejects with what the job throws. */
  run<T>(job: SignatureJob<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ begin: (alone) => (alone ? settleNow(job, resolve, reject) : this.#startThread(job, resolve, reject)) });
      if (this.#queue.length === 1) queueMicrotask(() => this.#flush());
    });
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    const alone = queue.length === 1 && this.#onThreads === 0;
    for (const waiting of queue) waiting.begin(alone);
  }

  #startThread<T>(job: SignatureJob<T>, resolve: (result: T) => void, reject: (cause: unknown) => void): void {
    this.#onThreads += 1;
    try {
      job.onThread((error, result) => {
        this.#onThreads -= 1;
        if (error === null) resolve(result);
        else reject(error);
      });
    } catch (thrown) {
      this.#onThreads -= 1; // it did not get there
      reject(thrown);
    }
  }
}

function settleNow<T>(job: SignatureJob<T>, resolve: (result: T) => void, reject: (cause: unknown) => void): void {
  try {
    resolve(job.now());
  } catch (thrown) {
    reject(thrown);
  }
}
