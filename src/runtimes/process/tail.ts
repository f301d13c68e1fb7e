/** What a program says first when it dies, before traces that may be long. */
const HEADLINE = /^(panic: |fatal error: |FATAL ERROR: |Exception in thread |Caused by: )/;

/** A headline so many lines ago has nothing to do with the end. */
const STALE = 500;

/** The last lines of an output, oldest first; the headline of the trace that they are part of takes the place of the first. */
export class Tail {
  readonly #limit: number;
  readonly #lines: string[] = [];
  #headline: string | undefined;
  #since = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > this.#limit) this.#drop(this.#lines.shift() ?? '');
  }

  get lines(): readonly string[] {
    return this.#headline === undefined ? [...this.#lines] : [this.#headline, ...this.#lines.slice(1)];
  }

  #drop(line: string): void {
    this.#since += 1;
    if (this.#since > STALE) this.#headline = undefined;
    if (!HEADLINE.test(line)) return;
    this.#headline = line;
    this.#since = 0;
  }
}
