import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';

export interface RotatingFileParts {
  readonly path: string;
  /** When the file would become larger, it becomes `PATH.1` and a new one begins; the `PATH.1` before it is dropped. */
  readonly maxBytes: number;
  /** What may wait for the disk, in characters; what comes then is counted and dropped. */
  readonly maxWaiting: number;
  /** The line that stands for `n` dropped ones. */
  readonly dropped: (n: number) => string;
  readonly log: Logger;
}

/** A file that grows only so far, written in the background in the order of {@link write}. */
export class RotatingFile implements AsyncDisposable {
  readonly #parts: RotatingFileParts;
  #waiting = '';
  #lost = 0;
  #writing: Promise<void> = Promise.resolve();
  #busy = false;
  #file: FileHandle | undefined;
  #size = 0;
  #broken = false;

  constructor(parts: RotatingFileParts) {
    this.#parts = parts;
  }

  /** @param text whole lines, with their line breaks */
  write(text: string): void {
    if (this.#broken) return;
    if (this.#waiting.length + text.length > this.#parts.maxWaiting) {
      this.#lost += 1;
      return;
    }
    this.#waiting += text;
    if (!this.#busy) this.#writing = this.#drain();
  }

  /** Resolves when everything is written that {@link write} took. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
    this.#broken = true;
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#waiting !== '' || this.#lost > 0) {
        const text = this.#waiting + (this.#lost === 0 ? '' : this.#parts.dropped(this.#lost));
        this.#waiting = '';
        this.#lost = 0;
        await this.#append(text);
      }
    } catch (cause) {
      this.#broken = true;
      this.#parts.log.warn('chaincode output is not kept any more', { file: this.#parts.path, reason: messageOf(cause) });
    } finally {
      this.#busy = false;
    }
  }

  async #append(text: string): Promise<void> {
    const { maxBytes } = this.#parts;
    for (const piece of pieces(text, maxBytes)) {
      if (this.#file !== undefined && this.#size + piece.length > maxBytes) await this.#rotate();
      this.#file ??= await this.#open();
      await this.#file.appendFile(piece);
      this.#size += piece.length;
    }
  }

  /** Its folder may have gone with an earlier launch that printed nothing. */
  async #open(): Promise<FileHandle> {
    const { path } = this.#parts;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return open(path, 'a', 0o600);
  }

  async #rotate(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    this.#size = 0;
    await rename(this.#parts.path, `${this.#parts.path}.1`);
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
