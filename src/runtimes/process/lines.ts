import { StringDecoder } from 'node:string_decoder';

/** A line that does not end is cut here, so that output without line breaks cannot fill the memory. */
const MAX_LINE = 16 * 1024;

/** Cuts output into lines as it comes, also across chunks and inside multi-byte characters. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#emit(line);
    while (this.#rest.length > MAX_LINE) {
      this.#emit(this.#rest.slice(0, MAX_LINE));
      this.#rest = this.#rest.slice(MAX_LINE);
    }
  }

  /** The output is over: what came after the last line break is a line too. */
  end(): void {
    const last = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (last !== '') this.#emit(last);
  }

  #emit(line: string): void {
    this.#onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
}

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
