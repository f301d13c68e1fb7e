import { StringDecoder } from 'node:string_decoder';

/** A line that does not end is cut here, in characters, so that output without line breaks cannot fill the memory. */
const MAX_LINE = 16 * 1024;

/** Cuts text into lines as it comes, also across chunks and inside multi-byte characters. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  readonly #maxLine: number;
  #rest = '';

  /** @param maxLine longest line, in characters; what is longer comes as several */
  constructor(onLine: (line: string) => void, { maxLine = MAX_LINE }: { readonly maxLine?: number } = {}) {
    this.#onLine = onLine;
    this.#maxLine = maxLine;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#emit(line);
    while (this.#rest.length > this.#maxLine) {
      this.#emit(this.#rest.slice(0, this.#maxLine));
      this.#rest = this.#rest.slice(this.#maxLine);
    }
  }

  /** The text is over: what came after the last line break is a line too. */
  end(): void {
    const last = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (last !== '') this.#emit(last);
  }

  #emit(line: string): void {
    this.#onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
}
