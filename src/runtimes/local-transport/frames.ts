import { MAX_MESSAGE_BYTES } from '../../comm/limits.ts';
import { Status } from '../../comm/status.ts';
import { SelvageError } from '../../common/errors.ts';

/**
 * Frames of the socket between peer and chaincode: four bytes, big-endian, of which the upper 4 bits say what it is and the lower 28 how
 * many bytes follow. preload/frames.cjs is the chaincode's end.
 */
export const FrameKind = { message: 0, ping: 1, pong: 2, end: 3, hello: 4 } as const;

/** Bytes of a frame before its content. */
export const HEADER = 4;
const MOST_LENGTH = 0xfffffff;

/** What a chaincode may send, and the most bytes of each; @see STATUS_NAMES in preload/local-stream.cjs for what comes from the peer. */
const MOST: ReadonlyMap<number, number> = new Map([
  [FrameKind.message, MAX_MESSAGE_BYTES],
  [FrameKind.pong, 0],
  [FrameKind.end, 0],
  [FrameKind.hello, 32],
]);

/** The first bytes of a frame with so many bytes of content. */
export function headOf(kind: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(HEADER);
  head.writeUInt32BE(kind * (MOST_LENGTH + 1) + length, 0);
  return head;
}

export interface Frame {
  readonly kind: number;
  /** A view of what arrived. */
  readonly content: Buffer;
}

/**
 * Cuts what a chaincode sends into frames. What is claimed allocates nothing: the pieces of a long message are kept as they came and
 * joined once.
 */
export class FrameReader {
  readonly #take: (frame: Frame) => void;
  #chunks: Buffer[] = [];
  #held = 0;
  #wanted = HEADER;

  constructor(take: (frame: Frame) => void) {
    this.#take = take;
  }

  /** Whether it is in the middle of a frame. */
  get cut(): boolean {
    return this.#held > 0;
  }

  /** @throws {SelvageError} `CHAINCODE_PROTOCOL` at a frame that cannot be, `MESSAGE_TOO_LARGE` in the words of gRPC */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#wanted) return;
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#held);
    let at = 0;
    let wanted = HEADER;
    while (all.length - at >= HEADER) {
      const { kind, length } = headAt(all, at);
      wanted = HEADER + length;
      if (wanted > all.length - at) break;
      this.#take({ kind, content: all.subarray(at + HEADER, at + wanted) });
      at += wanted;
      wanted = HEADER;
    }
    this.#chunks = at === all.length ? [] : [all.subarray(at)];
    this.#held = all.length - at;
    this.#wanted = wanted;
  }
}

function headAt(bytes: Buffer, at: number): { readonly kind: number; readonly length: number } {
  const head = bytes.readUInt32BE(at);
  const kind = head >>> 28;
  const length = head & MOST_LENGTH;
  const most = MOST.get(kind);
  if (most !== undefined && length <= most) return { kind, length };
  if (kind !== FrameKind.message)
    throw new SelvageError('CHAINCODE_PROTOCOL', `a frame of kind ${kind} with ${length} bytes on the socket`);
  throw new SelvageError('MESSAGE_TOO_LARGE', `Received message larger than max (${length} vs ${most})`, {
    details: { grpcStatus: Status.RESOURCE_EXHAUSTED },
  });
}
