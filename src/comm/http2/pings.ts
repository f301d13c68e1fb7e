/** Somebody who waits for the answer to a ping. */
type Asked = (answer: boolean | undefined) => void;

/** Those who want to know whether the other side still answers. Disposing tells them that nobody can say. */
export class Pings implements Disposable {
  readonly #asked = new Set<Asked>();

  /** True when an answer came within `ms` milliseconds of now, false when none did, undefined when the connection ended meanwhile. */
  wait(ms: number): Promise<boolean | undefined> {
    return new Promise((resolve) => {
      const asked: Asked = (answer) => {
        clearTimeout(tooLate);
        this.#asked.delete(asked);
        resolve(answer);
      };
      const tooLate = setTimeout(() => asked(false), ms);
      tooLate.unref();
      this.#asked.add(asked);
    });
  }

  answered(): void {
    for (const asked of [...this.#asked]) asked(true);
  }

  [Symbol.dispose](): void {
    for (const asked of [...this.#asked]) asked(undefined);
  }
}
