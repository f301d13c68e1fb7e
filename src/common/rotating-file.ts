import { appendFileSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BackgroundWriter, type BackgroundWriterParts } from './background-writer.ts';
import { makePassingFolder } from './durable-files.ts';

export interface RotatingFileParts extends Omit<BackgroundWriterParts, 'append'> {
  readonly path: string;
  /** When the file would become larger, it becomes `PATH.1` and a new one begins; the `PATH.1` before it is dropped. */
  readonly maxBytes: number;
}

/** A file that grows only so far, for its owner only, written in the background in the order of {@link write}. */
export class RotatingFile implements AsyncDisposable {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #writer: BackgroundWriter;
  #file: FileHandle | undefined;
  #size = 0;

  constructor({ path, maxBytes, ...parts }: RotatingFileParts) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#writer = new BackgroundWriter({ ...parts, append: (text) => this.#append(text) });
  }

  /** @param text whole lines, with their line breaks */
  write(text: string): void {
    this.#writer.write(text);
  }

  /** Resolves when everything is written that {@link write} took. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.end();
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Writes what is waiting at once, for a process that ends now. */
  flush(): void {
    appendFileSync(this.#path, this.#writer.takeWaiting(), { mode: 0o600 });
  }

  async #append(text: string): Promise<void> {
    for (const piece of pieces(text, this.#maxBytes)) {
      this.#file ??= await this.#open();
      if (this.#size > 0 && this.#size + piece.length > this.#maxBytes) {
        await this.#rotate();
        this.#file = await this.#open();
      }
      await this.#file.appendFile(piece);
      this.#size += piece.length;
    }
  }

  /** Its folder may have gone meanwhile. */
  async #open(): Promise<FileHandle> {
    await makePassingFolder(dirname(this.#path));
    const file = await open(this.#path, 'a', 0o600);
    this.#size = (await file.stat()).size;
    return file;
  }

  async #rotate(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await rename(this.#path, `${this.#path}.1`);
  }
}

/** Whole lines together, as many as fit into `most` bytes; a longer line alone. */
function* pieces(text: string, most: number): Generator<Buffer> {
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; ) {
    const fits = bytes.length - start <= most ? bytes.length - 1 : bytes.lastIndexOf('\n', start + most - 1);
    const last = fits >= start ? fits : bytes.indexOf('\n', start);
    const end = last < 0 ? bytes.length : last + 1;
    yield bytes.subarray(start, end);
    start = end;
  }
}
