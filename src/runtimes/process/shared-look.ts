/**
 * A look at something that changes, which all share who ask for one at a time. Who asks while a look goes on gets the next: what is told
 * is never older than the question.
 */
export class SharedLook<T> {
  readonly #look: () => Promise<T>;
  #last: Promise<unknown> = Promise.resolve();
  #next: Promise<T> | undefined;

  constructor(look: () => Promise<T>) {
    this.#look = look;
  }

  /** Rejects as the look does, for those who share it. */
  now(): Promise<T> {
    this.#next ??= this.#last.then(() => {
      this.#next = undefined;
      const look = this.#look();
      this.#last = look.catch(() => undefined);
      return look;
    });
    return this.#next;
  }
}
