import { type HeaderList, HpackDecoder } from './hpack/decoder.ts';
import { ConnectionError, DEFAULT_FRAME_SIZE, ErrorCode, errorName, Flag, FRAME_HEAD_BYTES, Frame, MAX_WINDOW } from './protocol.ts';

/** What frames mean, their form checked. Whoever throws a {@link ConnectionError} here ends the connection. */
export interface FrameHandler {
  /** True when no further frame is wanted. */
  readonly over: boolean;
  /** @param length bytes that count for the windows: padding included */
  data(stream: number, bytes: Buffer, start: number, end: number, length: number, last: boolean): void;
  /** A header block is complete. */
  headers(stream: number, list: HeaderList, last: boolean): void;
  reset(stream: number, code: number): void;
  settings(values: readonly (readonly [setting: number, value: number])[]): void;
  /** @param payload 8 bytes, a view */
  ping(payload: Buffer): void;
  pong(): void;
  goAway(lastStream: number, code: number, reason: string): void;
  /** @param stream 0 for the connection */
  windowUpdate(stream: number, increment: number): void;
  /** A frame that gets nobody on. */
  idle(): void;
}

export interface FrameReaderOptions {
  readonly handler: FrameHandler;
  /** What the other side sends before any frame; nothing where that is a server. */
  readonly preface: Buffer;
  readonly headerListBytes: number;
  readonly headerBlockBytes: number;
}

/** A header block that came in several frames. */
interface OpenBlock {
  readonly stream: number;
  readonly flags: number;
  readonly pieces: Buffer[];
  /** What the pieces take in memory. */
  bytes: number;
}

const HEADER_TABLE_BYTES = 4096;
/** What a piece of a header block costs beside its bytes: it may come byte by byte. */
const PIECE_BYTES = 128;

/**
 * Cuts what a connection receives into frames, all frames of a read in one pass over its bytes, and checks their form.
 *
 * Of a frame that is not complete only what came is kept, and none is larger than what we announce.
 *
 * @see RFC 9113, section 6
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #preface: Buffer;
  readonly #hpack: HpackDecoder;
  readonly #blockBytes: number;
  #prefaceRead = 0;
  #settled = false;
  #tail: Buffer | undefined;
  #block: OpenBlock | undefined;

  constructor({ handler, preface, headerListBytes, headerBlockBytes }: FrameReaderOptions) {
    this.#handler = handler;
    this.#preface = preface;
    this.#blockBytes = headerBlockBytes;
    this.#hpack = new HpackDecoder({ tableBytes: HEADER_TABLE_BYTES, listBytes: headerListBytes });
  }

  /** @throws {ConnectionError} when the protocol is broken */
  read(received: Buffer): void {
    let at = this.#tail === undefined ? this.#readPreface(received) : this.#completeTail(this.#tail, received);
    while (received.length - at >= FRAME_HEAD_BYTES && !this.#handler.over) {
      const end = at + frameBytes(received, at);
      if (end > received.length) break;
      this.#frame(received, at, end);
      at = end;
    }
    if (at < received.length && !this.#handler.over) this.#tail = at === 0 ? received : received.subarray(at);
  }

  /** Reads the frame that has begun, put together alone: what is behind it is read where it lies. @returns bytes used up of those received */
  #completeTail(begun: Buffer, received: Buffer): number {
    const missing = Math.max(0, FRAME_HEAD_BYTES - begun.length);
    const head = missing === 0 ? begun : Buffer.concat([begun, received.subarray(0, missing)]);
    const used = head.length - begun.length;
    if (head.length < FRAME_HEAD_BYTES) {
      this.#tail = head;
      return used;
    }
    const end = frameBytes(head, 0);
    const rest = received.subarray(used, used + end - head.length);
    const frame = rest.length === 0 ? head : Buffer.concat([head, rest]);
    this.#tail = frame.length < end ? frame : undefined;
    if (frame.length === end) this.#frame(frame, 0, end);
    return used + rest.length;
  }

  #readPreface(bytes: Buffer): number {
    const missing = this.#preface.length - this.#prefaceRead;
    if (missing === 0) return 0;
    const have = Math.min(missing, bytes.length);
    if (bytes.compare(this.#preface, this.#prefaceRead, this.#prefaceRead + have, 0, have) !== 0)
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'this is not HTTP/2');
    this.#prefaceRead += have;
    return have;
  }

  #frame(bytes: Buffer, at: number, end: number): void {
    const type = bytes[at + 3] as number;
    const flags = bytes[at + 4] as number;
    const stream = bytes.readUInt32BE(at + 5) & MAX_WINDOW;
    const start = at + FRAME_HEAD_BYTES;
    if (this.#block !== undefined && (type !== Frame.CONTINUATION || stream !== this.#block.stream))
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'a frame within a header block');
    if (!this.#settled && type !== Frame.SETTINGS) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'the first frame is no SETTINGS');
    switch (type) {
      case Frame.DATA:
        this.#data(bytes, flags, stream, start, end);
        break;
      case Frame.HEADERS:
        this.#headers(bytes, flags, stream, start, end);
        break;
      case Frame.CONTINUATION:
        this.#continuation(bytes, flags, start, end);
        break;
      case Frame.WINDOW_UPDATE:
        exactly(4, start, end, 'a WINDOW_UPDATE');
        this.#handler.windowUpdate(stream, bytes.readUInt32BE(start) & MAX_WINDOW);
        break;
      case Frame.RST_STREAM:
        exactly(4, start, end, 'an RST_STREAM');
        this.#handler.reset(stream, bytes.readUInt32BE(start));
        break;
      case Frame.SETTINGS:
        this.#settings(bytes, flags, stream, start, end);
        break;
      case Frame.PING:
        ofTheConnection(stream, 'PING');
        exactly(8, start, end, 'a PING');
        if ((flags & Flag.ACK) === 0) this.#handler.ping(bytes.subarray(start, end));
        else this.#handler.pong();
        break;
      case Frame.GOAWAY:
        this.#goAway(bytes, stream, start, end);
        break;
      case Frame.PRIORITY:
        exactly(5, start, end, 'a PRIORITY');
        checkPriority(bytes, start, stream);
        this.#handler.idle(); // priorities mean nothing here
        break;
      case Frame.PUSH_PROMISE:
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'a pushed stream, which nobody asked for');
      default:
        this.#handler.idle(); // frames of extensions are passed over
    }
  }

  #data(bytes: Buffer, flags: number, stream: number, start: number, end: number): void {
    const last = (flags & Flag.END_STREAM) !== 0;
    const [from, to] = (flags & Flag.PADDED) === 0 ? [start, end] : unpadded(bytes, start, end);
    if (to === from && !last) this.#handler.idle();
    this.#handler.data(stream, bytes, from, to, end - start, last);
  }

  #headers(bytes: Buffer, flags: number, stream: number, start: number, end: number): void {
    if (stream === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'HEADERS of no stream');
    let [from, to] = (flags & Flag.PADDED) === 0 ? [start, end] : unpadded(bytes, start, end);
    if ((flags & Flag.PRIORITY) !== 0) {
      if (to - from < 5) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'HEADERS that end within their priority');
      checkPriority(bytes, from, stream);
      from += 5;
    }
    if ((flags & Flag.END_HEADERS) !== 0) this.#headerBlock(bytes, from, to, stream, flags);
    else this.#block = { stream, flags, pieces: [Buffer.from(bytes.subarray(from, to))], bytes: to - from };
  }

  #continuation(bytes: Buffer, flags: number, start: number, end: number): void {
    const block = this.#block;
    if (block === undefined) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'CONTINUATION of nothing');
    if (end === start) this.#handler.idle();
    block.bytes += end - start + PIECE_BYTES;
    if (block.bytes > this.#blockBytes) throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'a header block without an end');
    block.pieces.push(Buffer.from(bytes.subarray(start, end)));
    if ((flags & Flag.END_HEADERS) === 0) return;
    this.#block = undefined;
    const whole = Buffer.concat(block.pieces);
    this.#headerBlock(whole, 0, whole.length, block.stream, block.flags);
  }

  /** The block is decoded in any case, or the decoder's table would not be the other side's any more. */
  #headerBlock(bytes: Buffer, start: number, end: number, stream: number, flags: number): void {
    this.#handler.headers(stream, this.#hpack.decode(bytes, start, end), (flags & Flag.END_STREAM) !== 0);
  }

  #settings(bytes: Buffer, flags: number, stream: number, start: number, end: number): void {
    ofTheConnection(stream, 'SETTINGS');
    if ((flags & Flag.ACK) !== 0) {
      if (end !== start) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'an acknowledgement with settings in it');
      if (!this.#settled) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'an acknowledgement before any settings');
      this.#handler.idle();
      return;
    }
    if ((end - start) % 6 !== 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'SETTINGS that end within a setting');
    this.#settled = true;
    const values: [number, number][] = [];
    for (let at = start; at < end; at += 6) values.push([bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2)]);
    this.#handler.settings(values);
  }

  #goAway(bytes: Buffer, stream: number, start: number, end: number): void {
    ofTheConnection(stream, 'GOAWAY');
    if (end - start < 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'a GOAWAY of less than 8 bytes');
    const code = errorName(bytes.readUInt32BE(start + 4));
    const words = bytes.toString('utf8', start + 8, Math.min(end, start + 208));
    const reason = words === '' ? code : `${code}: ${words}`;
    this.#handler.goAway(bytes.readUInt32BE(start) & MAX_WINDOW, bytes.readUInt32BE(start + 4), reason);
  }
}

/** Bytes of a frame, its head included. */
function frameBytes(bytes: Buffer, at: number): number {
  const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  if (length > DEFAULT_FRAME_SIZE) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `a frame of ${length} bytes`);
  return FRAME_HEAD_BYTES + length;
}

function exactly(length: number, start: number, end: number, what: string): void {
  if (end - start !== length) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `${what} that is not ${length} bytes long`);
}

function ofTheConnection(stream: number, what: string): void {
  if (stream !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `${what} of a stream`);
}

/** The form of a priority is checked, as the protocol wants it. */
function checkPriority(bytes: Buffer, at: number, stream: number): void {
  if (stream === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'PRIORITY of no stream');
  if ((bytes.readUInt32BE(at) & MAX_WINDOW) === stream)
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'a stream that depends on itself');
}

/** Where the payload of a padded frame begins and ends. */
function unpadded(bytes: Buffer, start: number, end: number): [number, number] {
  const padding = start < end ? (bytes[start] as number) : end;
  if (start + 1 + padding > end) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'more padding than the frame has room for');
  return [start + 1, end - padding];
}
