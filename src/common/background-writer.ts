export interface BackgroundWriterParts {
  /** Writes whole lines; asked again only when it is done. */
  readonly append: (text: string) => Promise<void>;
  /** What may wait, in characters; what comes then is counted and dropped. */
  readonly maxWaiting: number;
  /** The line that stands for `n` dropped ones. */
  readonly dropped: (n: number) => string;
  /** Hears once that nothing is written any more. */
  readonly onBroken: (cause: unknown) => void;
}

/** Takes lines at once and writes them in their order when the device is ready for them. Whoever writes never waits. */
export class BackgroundWriter {
  readonly #parts: BackgroundWriterParts;
  #waiting = '';
  #lost = 0;
  #writing: Promise<void> = Promise.resolve();
  #busy = false;
  #over = false;

  constructor(parts: BackgroundWriterParts) {
    this.#parts = parts;
  }

  /** @param text whole lines, with their line breaks; nothing is kept after {@link end} */
  write(text: string): void {
    if (this.#over) return;
    if (this.#waiting.length + text.length > this.#parts.maxWaiting) {
      this.#lost += 1;
      return;
    }
    this.#waiting += text;
    if (!this.#busy) this.#writing = this.#drain();
  }

  /** Takes nothing more. Resolves when everything is written that {@link write} took. */
  async end(): Promise<void> {
    this.#over = true;
    await this.#writing;
  }

  /** What has not been given to the device yet, for a process that ends now and can wait for nothing. */
  takeWaiting(): string {
    const text = this.#take();
    this.#over = true;
    return text;
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      await Promise.resolve(); // what is written in one turn goes in one piece
      while (this.#waiting !== '' || this.#lost > 0) await this.#parts.append(this.#take());
    } catch (cause) {
      this.#over = true;
      this.#parts.onBroken(cause);
    } finally {
      this.#busy = false;
    }
  }

  #take(): string {
    const text = this.#waiting + (this.#lost === 0 ? '' : this.#parts.dropped(this.#lost));
    this.#waiting = '';
    this.#lost = 0;
    return text;
  }
}
