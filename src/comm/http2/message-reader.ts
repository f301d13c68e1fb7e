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
/** Memory for a message whose bytes are still coming, at most so many times what came of it. It is not touched before they come. */
const AHEAD = 4;

/**
 * Cuts the DATA of one stream into gRPC messages: a byte that says whether it is compressed, four bytes of length, the message.
 * A message that came in one piece is a view of that piece; others are copied together, into memory that grows with what came, not by
 * a length that was only claimed.
 */
export class MessageReader {
  readonly #limit: number;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixLength = 0;
  #length = 0;
  #gathered = 0;
  /** What came of a message in pieces, and room for more. */
  #pieces: Buffer = NOTHING;

  /** @param limit bytes that one message may have */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether the stream may end here. */
  get betweenMessages(): boolean {
    return this.#prefixLength === 0;
  }

  /** Bytes of memory for a message that is not complete. */
  get held(): number {
    return this.#pieces.length;
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
      if (this.#length === 0) take(this.#complete(NOTHING));
      else if (this.#gathered === 0 && piece === this.#length) take(this.#complete(bytes.subarray(at, at + piece)));
      else if (piece > 0) {
        this.#gather(bytes, at, piece);
        if (this.#gathered === this.#length) take(this.#complete(this.#pieces));
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
    const came = this.#gathered + length;
    if (came > this.#pieces.length) this.#makeRoom(came);
    bytes.copy(this.#pieces, this.#gathered, start, start + length);
    this.#gathered = came;
  }

  /** @param came bytes of the message, those that are to be added included */
  #makeRoom(came: number): void {
    const before = this.#pieces;
    this.#pieces = Buffer.allocUnsafeSlow(Math.min(this.#length, this.#gathered === 0 ? came : AHEAD * came));
    before.copy(this.#pieces, 0, 0, this.#gathered);
  }

  #complete(message: Buffer): Buffer {
    this.#pieces = NOTHING;
    this.#gathered = 0;
    this.#prefixLength = 0;
    return message;
  }
}

const NOTHING = Buffer.alloc(0);
