/** Lines from the beginning: what a program says when it starts, and the first error of a build. */
const FIRST = 200;
const LAST = 600;
/** Characters of a line; diagnosis and display look at fewer. */
const MAX_LINE = 2_000;

/** An output as far as it is kept for whoever looks for a cause in it: its beginning and its end, and between them how much is missing. */
export class KeptOutput {
  readonly #first: string[] = [];
  readonly #last: string[] = [];
  #dropped = 0;

  add(line: string): void {
    const cut = line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line;
    if (this.#first.length < FIRST) {
      this.#first.push(cut);
      return;
    }
    this.#last.push(cut);
    if (this.#last.length <= 2 * LAST) return; // so that not every line moves all others
    this.#dropped += this.#last.length - LAST;
    this.#last.splice(0, this.#last.length - LAST);
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    const end = this.#last.slice(-LAST);
    const dropped = this.#dropped + this.#last.length - end.length;
    return [...this.#first, ...(dropped > 0 ? [`(${dropped} more lines)`] : []), ...end];
  }
}
