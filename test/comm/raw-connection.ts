import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeHeaders } from '../../src/comm/http2/hpack/encoder.ts';
import type { Field } from '../../src/comm/http2/hpack/static-table.ts';
import { ErrorCode, errorName, Flag, Frame, PREFACE } from '../../src/comm/http2/protocol.ts';

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Header block of a gRPC call. */
export const callHead = (path: string, more: readonly Field[] = []): Buffer =>
  encodeHeaders([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'test'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...more,
  ]);

/** A message as gRPC frames it. */
export const message = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([0]), uint32(bytes.length), bytes]);

/** A client that sends whatever it is told, frame by frame, and remembers what comes back. */
export class RawConnection implements Disposable {
  readonly frames: RawFrame[] = [];
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #waiting: (() => void)[] = [];
  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => this.#read(bytes));
    this.closed = new Promise((resolve) =>
      socket.once('close', () => {
        resolve();
        this.#wake();
      }),
    );
  }

  /** @param settings what the client announces, as `[setting, value]` */
  static async open(port: number, settings: readonly (readonly [number, number])[] = []): Promise<RawConnection> {
    const raw = await RawConnection.silent(port);
    const payload = Buffer.concat(settings.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 0xff]), uint32(value)])));
    raw.send(PREFACE, frame(Frame.SETTINGS, 0, 0, payload));
    return raw;
  }

  /** A connection on which nothing was said. */
  static async silent(port: number): Promise<RawConnection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  send(...bytes: Uint8Array[]): void {
    if (this.#socket.writable) this.#socket.write(Buffer.concat(bytes));
  }

  /** Sends when the socket has taken what was sent before. */
  async sendAll(bytes: Uint8Array): Promise<void> {
    if (!this.#socket.writable || this.#socket.write(bytes)) return;
    await Promise.race([new Promise((resolve) => this.#socket.once('drain', resolve)), this.closed]);
  }

  /** Whether the connection has ended. */
  get over(): boolean {
    return this.#socket.destroyed;
  }

  /** Takes nothing that the server sends any more. */
  stopReading(): void {
    this.#socket.pause();
  }

  call(stream: number, path: string, request: Uint8Array): void {
    this.send(frame(Frame.HEADERS, Flag.END_HEADERS, stream, callHead(path)), frame(Frame.DATA, Flag.END_STREAM, stream, message(request)));
  }

  /** The first frame that has come, or comes, for which `wanted` holds; undefined when the connection ends without one. */
  async next(wanted: (frame: RawFrame) => boolean): Promise<RawFrame | undefined> {
    for (;;) {
      const found = this.frames.find(wanted);
      if (found !== undefined || this.#socket.destroyed) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Name of the error with which the server ended the connection. */
  async goAway(): Promise<string | undefined> {
    const found = await this.next(({ type }) => type === Frame.GOAWAY);
    return found && errorName(found.payload.readUInt32BE(4));
  }

  /** Name of the error with which the server cut the stream. */
  async wasReset(stream: number): Promise<string | undefined> {
    const found = await this.next((each) => each.type === Frame.RST_STREAM && each.stream === stream);
    return found && errorName(found.payload.readUInt32BE(0));
  }

  /** Whether the server ends that stream in order. */
  async answered(stream: number): Promise<boolean> {
    const found = await this.next(
      (each) =>
        each.stream === stream &&
        ((each.type !== Frame.RST_STREAM && (each.flags & Flag.END_STREAM) !== 0) || each.type === Frame.RST_STREAM),
    );
    return found !== undefined && (found.type !== Frame.RST_STREAM || found.payload.readUInt32BE(0) === ErrorCode.NO_ERROR);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      this.frames.push({ type: rest.readUInt8(3), flags: rest.readUInt8(4), stream: rest.readUInt32BE(5), payload: rest.subarray(9, end) });
      rest = rest.subarray(end);
    }
    this.#rest = rest;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
