/** Runs work one piece at a time, in the order it was asked for. A failure concerns only the piece that failed. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T> | T): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when all work asked for so far is over. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
