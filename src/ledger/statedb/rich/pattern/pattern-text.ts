/** A regular expression that does not compile. */
export class PatternError extends Error {}

/** The text of a regular expression, and how far it has been read. */
export class PatternText {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next character, undefined at the end. */
  peek(): string | undefined {
    return this.#text[this.#at];
  }

  /** The next characters, fewer at the end. */
  ahead(length: number): string {
    return this.#text.slice(this.#at, this.#at + length);
  }

  skip(length: number): void {
    this.#at += length;
  }

  /** Reads one character. @throws {PatternError} `orElse` at the end */
  next(orElse: string): string {
    const mark = this.#text[this.#at];
    if (mark === undefined) throw new PatternError(orElse);
    this.#at += 1;
    return mark;
  }

  /** Whether this came next; then it is read. */
  take(mark: string): boolean {
    if (!this.#text.startsWith(mark, this.#at)) return false;
    this.#at += mark.length;
    return true;
  }

  /** Reads what matches, if it does within so many characters. */
  takeMatch(pattern: RegExp, within: number): RegExpExecArray | undefined {
    const found = pattern.exec(this.ahead(within));
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }

  /** Reads up to an end, and the end too. @throws {PatternError} `orElse` where there is none */
  until(end: string, orElse = `missing ${end}`): string {
    if (!this.#text.includes(end, this.#at)) throw new PatternError(orElse);
    return this.upTo(end);
  }

  /** Reads up to an end, and the end too, or everything where there is none. */
  upTo(end: string): string {
    const to = this.#text.indexOf(end, this.#at);
    const text = this.#text.slice(this.#at, to < 0 ? undefined : to);
    this.#at = to < 0 ? this.#text.length : to + end.length;
    return text;
  }
}
