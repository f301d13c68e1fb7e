import { Status } from '../status.ts';

/** A message that cannot be taken, with the gRPC status that says why. */
export class MessageRefused extends Error {
  override readonly name = 'MessageRefused';
  readonly status: number;

  constructor(status: number, reason: string) {
    super(reason);
    this.status = status;
  }
}

const PREFIX_BYTES = 5;
/** The largest chunk that a message is gathered in. Were it one piece that grows, old and new would stand beside each other. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Cuts the DATA of one stream into gRPC messages: a byte that says whether it is compressed, four bytes of length, the message.
 * A message that came in one piece is a view of that piece; others are copied together, into memory that grows with what came and
 * never by a length that was only claimed.
 */
export class MessageReader {
  readonly #limit: number;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixLength = 0;
  #length = 0;
  #gathered = 0;
  /** What came of a message in pieces. All but the last are full. */
  #chunks: Buffer[] = [];
  #room = 0;

  /** @param limit bytes that one message may have */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether the stream may end here. */
  get betweenMessages(): boolean {
    return this.#prefixLength === 0;
  }

  /**
   * Takes the next bytes of the stream and calls `take` for each message that they complete.
   * @throws {MessageRefused} for one that is too large or compressed
   */
  read(bytes: Buffer, start: number, end: number, take: (message: Buffer) => void): void {
    let at = start;
    while (at < end) {
      if (this.#prefixLength < PREFIX_BYTES) at = this.#readPrefix(bytes, at, end);
      if (this.#prefixLength < PREFIX_BYTES) return;
      const piece = Math.min(this.#length - this.#gathered, end - at);
      if (this.#gathered === 0 && piece === this.#length) take(this.#complete(bytes.subarray(at, at + piece)));
      else if (piece > 0) {
        this.#gather(bytes, at, piece);
        if (this.#gathered === this.#length) take(this.#complete(this.#whole()));
      }
      at += piece;
    }
  }

  #readPrefix(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (this.#prefixLength < PREFIX_BYTES && at < end) this.#prefix[this.#prefixLength++] = bytes[at++] as number;
    if (this.#prefixLength === PREFIX_BYTES) this.#length = this.#acceptedLength();
    return at;
  }

  #acceptedLength(): number {
    const compressed = this.#prefix[0];
    if (compressed === 1) throw new MessageRefused(Status.UNIMPLEMENTED, 'compressed messages are not supported');
    if (compressed !== 0) throw new MessageRefused(Status.INTERNAL, `a message that begins with ${compressed}, where 0 is expected`);
    const length = this.#prefix.readUInt32BE(1);
    if (length > this.#limit)
      throw new MessageRefused(Status.RESOURCE_EXHAUSTED, `Received message larger than max (${length} vs ${this.#limit})`);
    return length;
  }

  #gather(bytes: Buffer, start: number, length: number): void {
    for (let at = start; at < start + length; ) {
      if (this.#room === 0) this.#addChunk(start + length - at);
      const chunk = this.#chunks.at(-1) as Buffer;
      const part = Math.min(this.#room, start + length - at);
      bytes.copy(chunk, chunk.length - this.#room, at, at + part);
      this.#room -= part;
      this.#gathered += part;
      at += part;
    }
  }

  /** At most as large as what came. */
  #addChunk(piece: number): void {
    const size = Math.min(this.#length - this.#gathered, CHUNK_BYTES, Math.max(piece, this.#gathered));
    this.#chunks.push(Buffer.allocUnsafeSlow(size));
    this.#room = size;
  }

  #whole(): Buffer {
    const [only, ...more] = this.#chunks;
    if (only !== undefined && more.length === 0) return only;
    const whole = Buffer.allocUnsafeSlow(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) at += chunk.copy(whole, at);
    return whole;
  }

  #complete(message: Buffer): Buffer {
    this.#chunks = [];
    this.#gathered = 0;
    this.#prefixLength = 0;
    return message;
  }
}
