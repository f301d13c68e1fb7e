/** Which of its two streams a container wrote to. */
export type OutputStream = 'stdout' | 'stderr';

const HEADER = 8;

/**
 * Takes apart the stream that Docker's attach gives for a container without a terminal: frames of {1 byte stream, 3 zero bytes,
 * 4 bytes length, big endian} and that many bytes. Content is passed on as it comes, before its frame is complete.
 */
export class OutputFrames {
  readonly #onChunk: (chunk: Buffer, stream: OutputStream) => void;
  #header = Buffer.alloc(0);
  #stream: OutputStream = 'stdout';
  #left = 0;

  constructor(onChunk: (chunk: Buffer, stream: OutputStream) => void) {
    this.#onChunk = onChunk;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.#left > 0 ? this.#content(rest) : this.#frame(rest);
  }

  #content(chunk: Buffer): Buffer {
    const part = chunk.subarray(0, this.#left);
    this.#left -= part.length;
    this.#onChunk(part, this.#stream);
    return chunk.subarray(part.length);
  }

  #frame(chunk: Buffer): Buffer {
    const missing = HEADER - this.#header.length;
    this.#header = Buffer.concat([this.#header, chunk.subarray(0, missing)]);
    if (this.#header.length === HEADER) {
      this.#stream = this.#header[0] === 2 ? 'stderr' : 'stdout';
      this.#left = this.#header.readUInt32BE(4);
      this.#header = Buffer.alloc(0);
    }
    return chunk.subarray(missing);
  }
}
