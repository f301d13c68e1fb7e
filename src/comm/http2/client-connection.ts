import { Connection, type ConnectionParts } from './connection.ts';
import type { HeaderList } from './hpack/decoder.ts';
import { ConnectionError, ErrorCode, Flag, Frame, PREFACE, Setting } from './protocol.ts';
import { Stream, type StreamListener } from './stream.ts';

export interface ClientConnectionParts extends Omit<ConnectionParts, 'preface'> {
  /** The server has said what it takes: calls may begin. */
  onReady(): void;
  /** The connection is gone, or takes no further calls. */
  onLeave(reason: string): void;
  /** A call has ended, so another may begin. */
  onRoom(): void;
}

const NO_PREFACE: Buffer = Buffer.alloc(0);

/** Our connection to a server. */
export class ClientConnection extends Connection {
  readonly #parts: ClientConnectionParts;
  #next = 1;

  constructor(parts: ClientConnectionParts) {
    super({ ...parts, preface: NO_PREFACE });
    this.#parts = parts;
    this.output.bytes(PREFACE);
    this.announce([[Setting.ENABLE_PUSH, 0]]);
  }

  /** Whether another call may begin now. */
  get hasRoom(): boolean {
    return !this.over && !this.goingAway && this.streams.size < Math.min(this.wanted.maxCalls, this.limits.calls);
  }

  /** Opens a stream with that header block. Only call it where {@link hasRoom}. */
  open(block: Buffer, listener: StreamListener): Stream {
    const stream = new Stream(this, this.#next, listener);
    this.#next += 2;
    if (this.#next > LAST_STREAM) this.#leave('all numbers of streams are used up');
    this.add(stream);
    this.output.frame(Frame.HEADERS, Flag.END_HEADERS, stream.id, block);
    return stream;
  }

  override forget(stream: Stream, ended: boolean): void {
    super.forget(stream, ended);
    if (this.goingAway && this.streams.size === 0) this.close('the server takes no further calls');
    else this.#parts.onRoom();
  }

  protected wasOpened(stream: number): boolean {
    return stream % 2 === 1 && stream < this.#next;
  }

  /** Calls are given up whenever their callers like, and their answers come nonetheless. */
  protected mayBeLate(): boolean {
    return true;
  }

  protected receiveHeaders(id: number, list: HeaderList, last: boolean): void {
    const stream = this.streams.get(id);
    if (stream === undefined) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'HEADERS of a stream that was never opened');
    if (list.tooLarge) {
      stream.reset(ErrorCode.ENHANCE_YOUR_CALM, 'the header fields of the answer are too many');
      return;
    }
    stream.receiveHeaders(list.fields, last);
  }

  goAway(lastStream: number, code: number, reason: string): void {
    this.#leave(reason);
    for (const stream of [...this.streams.values()]) if (stream.id > lastStream) stream.receiveReset(ErrorCode.REFUSED_STREAM);
    if (code !== ErrorCode.NO_ERROR) this.close(reason);
    else if (this.streams.size === 0) this.close(reason);
  }

  protected override settled(): void {
    this.#parts.onReady();
  }

  protected keepsAlive(): boolean {
    return this.streams.size > 0;
  }

  protected unforeseen(): void {} // the calls of the connection have failed with it

  protected ended(reason: string): void {
    this.#parts.onLeave(reason);
  }

  #leave(reason: string): void {
    if (this.goingAway) return;
    this.goingAway = true;
    this.#parts.onLeave(reason);
  }
}

const LAST_STREAM = 0x7fff_ffff;
