import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ControlFrames } from './control-frames.ts';
import { EndedStreams } from './ended-streams.ts';
import { Floods } from './floods.ts';
import { type FrameHandler, FrameReader } from './frame-reader.ts';
import type { HeaderList } from './hpack/decoder.ts';
import { Keepalive } from './keepalive.ts';
import type { ConnectionLimits } from './limits.ts';
import { Output } from './output.ts';
import { Pings } from './pings.ts';
import { ConnectionError, DEFAULT_WINDOW, ErrorCode, Flag, Frame, Setting, settingsPayload } from './protocol.ts';
import { ReceiveWindow } from './receive-window.ts';
import { RemoteSettings } from './remote-settings.ts';
import { SendWindow } from './send-window.ts';
import type { Stream } from './stream.ts';
import type { HostedStream, StreamHost } from './stream-host.ts';

export interface ConnectionParts {
  readonly socket: Socket;
  readonly limits: ConnectionLimits;
  /** What the other side sends before any frame. */
  readonly preface: Buffer;
}

/** How long a connection that we end waits for the other side to do the same, in milliseconds. */
const FAREWELL_MS = 1_000;
/** What may be on its way of a stream when we reset it: an answer's head, its trailers, a reset. */
const LATE_FRAMES = 3;

/**
 * One HTTP/2 connection, whichever side we are: its streams, its windows, and every bound on what the other side may cost.
 *
 * What breaks the protocol throws a {@link ConnectionError}, which ends the connection with a GOAWAY; what is wrong with one stream
 * resets that stream.
 *
 * @see RFC 9113
 */
export abstract class Connection implements StreamHost, FrameHandler {
  readonly limits: ConnectionLimits;
  readonly output: Output;

  protected readonly socket: Socket;
  protected readonly streams = new Map<number, Stream>();
  /** The highest stream that the other side has opened. */
  protected lastRemote = 0;
  protected readonly wanted = new RemoteSettings();
  protected goingAway = false;

  readonly #frames: FrameReader;
  readonly #control: ControlFrames;
  readonly #sending: SendWindow;
  readonly #receiving: ReceiveWindow;
  readonly #ended = new EndedStreams();
  readonly #keepalive: Keepalive;
  readonly #handshake: NodeJS.Timeout;
  protected readonly floods = new Floods();
  readonly #waiting = new Pings();
  #settled = false;
  /** Whether a frame of a stream has come since the last ping. */
  #streamed = false;
  #over = false;
  #certificate: Uint8Array | undefined | null = null;

  constructor({ socket, limits, preface }: ConnectionParts) {
    this.socket = socket;
    this.limits = limits;
    this.output = new Output(socket);
    this.#frames = new FrameReader({ handler: this, preface, ...limits });
    this.#control = new ControlFrames(this.output, limits.unreadControlBytes, () =>
      this.fail(ErrorCode.ENHANCE_YOUR_CALM, 'answers to control frames are not read'),
    );
    this.#sending = new SendWindow(this.output, this.wanted);
    this.#receiving = new ReceiveWindow(limits.connectionWindow);
    this.#keepalive = new Keepalive(limits, {
      ping: () => this.#sendPing(),
      lost: () => this.close('the other side did not answer a ping in time'),
      busy: () => this.keepsAlive(),
    });
    this.#handshake = setTimeout(() => this.close('no HTTP/2 within the time for a handshake'), limits.handshakeMs);
    this.#handshake.unref();
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('drain', () => this.#drained());
    socket.on('error', (cause: Error) => this.#end(cause.message));
    socket.on('close', () => this.#end('the other side closed the connection'));
  }

  get over(): boolean {
    return this.#over;
  }

  /** Bytes that the other side lets a new stream send. */
  get initialSendWindow(): number {
    return this.wanted.initialWindow;
  }

  /** DER of the certificate that the other side showed; read once for a connection, which costs more than a call. */
  get peerCertificate(): Uint8Array | undefined {
    if (this.#certificate === null)
      this.#certificate = this.socket instanceof TLSSocket ? this.socket.getPeerX509Certificate()?.raw : undefined;
    return this.#certificate;
  }

  /** A header block of a stream that is open, or may be opened by it. */
  protected abstract receiveHeaders(stream: number, list: HeaderList, last: boolean): void;
  /** The other side will open no more streams that we ask for, and knows of none above `lastStream`. */
  abstract goAway(lastStream: number, code: number, reason: string): void;
  /** Whether a header block of a closed stream may have been on its way when we closed it. */
  protected abstract mayBeLate(list: HeaderList, last: boolean): boolean;
  /** The other side resets a stream. */
  protected resetByOther(): void {}
  /** Whether a stream of that number was ever opened, by its parity and what was opened last. */
  protected abstract wasOpened(stream: number): boolean;
  /** Whether silence is worth asking whether the other side is there. */
  protected abstract keepsAlive(): boolean;
  /** Something failed that no frame should be able to make fail; the connection has ended for it. */
  protected abstract unforeseen(thrown: unknown): void;
  /** The connection is gone, after its streams were told. */
  protected abstract ended(reason: string): void;
  /** The other side's first SETTINGS have come: the connection stands. */
  protected settled(): void {}

  /** Announces what we take. The first that is sent, behind the preface of a client. */
  protected announce(settings: readonly (readonly [number, number])[]): void {
    const payload = settingsPayload([
      ...settings,
      [Setting.INITIAL_WINDOW_SIZE, this.limits.streamWindow],
      [Setting.MAX_HEADER_LIST_SIZE, this.limits.headerListBytes],
    ]);
    this.output.frame(Frame.SETTINGS, 0, 0, payload);
    this.sendWindowUpdate(0, this.limits.connectionWindow - DEFAULT_WINDOW);
  }

  protected add(stream: Stream): void {
    this.streams.set(stream.id, stream);
  }

  /** Whether the other side answers a ping within `ms` milliseconds; undefined when the connection is over by then. */
  responds(ms: number): Promise<boolean | undefined> {
    if (this.#over) return Promise.resolve(undefined);
    this.#sendPing();
    return this.#waiting.wait(ms);
  }

  /** Ends the connection because of what the other side did. */
  fail(code: number, reason: string): void {
    if (this.#over) return;
    this.sendGoAway(code, reason);
    this.close(reason);
  }

  /** Ends the connection: what was sent still leaves, if the other side takes it soon. */
  close(reason: string): void {
    if (this.#over) return;
    this.output.flush();
    this.#end(reason);
    // What still comes is read and thrown away for a moment: cut at once, the other side would not hear our last words.
    this.socket.end();
    const late = setTimeout(() => this.socket.destroy(), FAREWELL_MS);
    late.unref();
    this.socket.once('close', () => clearTimeout(late));
  }

  protected sendGoAway(code: number, reason: string): void {
    const text = Buffer.from(reason.slice(0, 200));
    this.output.head(8 + text.length, Frame.GOAWAY, 0, 0);
    this.output.uint32(this.lastRemote);
    this.output.uint32(code);
    this.output.bytes(text);
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#handshake);
    this.#keepalive[Symbol.dispose]();
    this.#waiting[Symbol.dispose]();
    for (const stream of [...this.streams.values()]) stream.break(reason);
    this.ended(reason);
  }

  // What streams ask for: see StreamHost.

  claim(length: number, streamWindow: number): boolean {
    return this.#sending.claim(length, streamWindow);
  }

  room(streamWindow: number): number {
    return this.#sending.room(streamWindow);
  }

  spend(length: number): void {
    this.#sending.spend(length);
  }

  queue(stream: HostedStream, length: number): void {
    this.#sending.queue(stream, length);
    if (this.#sending.queued > this.limits.unreadAnswerBytes) this.fail(ErrorCode.ENHANCE_YOUR_CALM, 'answers are asked for and not read');
    else this.#sending.pump();
  }

  dequeue(stream: HostedStream): void {
    this.#sending.dequeue(stream);
  }

  unread(bytes: number): void {
    this.#receiving.unread(bytes);
    if (bytes < 0) this.#grant();
  }

  sendWindowUpdate(stream: number, bytes: number): void {
    this.#control.begin(4, Frame.WINDOW_UPDATE, 0, stream);
    this.output.uint32(bytes);
  }

  sendReset(stream: number, code: number): void {
    this.#control.begin(4, Frame.RST_STREAM, 0, stream);
    this.output.uint32(code);
    this.floods.expect(LATE_FRAMES);
  }

  forget(stream: HostedStream, ended: boolean): void {
    this.streams.delete(stream.id);
    this.#sending.forget(stream);
    if (ended) this.#ended.add(stream.id);
  }

  #sendPing(): void {
    this.output.frame(Frame.PING, 0, 0, PING_PAYLOAD);
  }

  #drained(): void {
    this.#control.drained();
    this.#sending.pump();
  }

  // What the other side sends: see FrameHandler.

  #receive(bytes: Buffer): void {
    if (this.#over) return;
    this.#keepalive.heard();
    try {
      this.#frames.read(bytes);
      this.#grant();
    } catch (thrown) {
      if (thrown instanceof ConnectionError) this.fail(thrown.code, thrown.message);
      else {
        this.fail(ErrorCode.INTERNAL_ERROR, 'internal error');
        this.unforeseen(thrown);
      }
    }
  }

  data(id: number, bytes: Buffer, start: number, end: number, length: number, last: boolean): void {
    this.#streamed = true;
    if (!this.#receiving.take(length)) throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'more data than the window allows');
    const stream = this.streams.get(id);
    if (stream === undefined) this.#lateData(id, length);
    else if (stream.remoteEnded) stream.reset(ErrorCode.STREAM_CLOSED, 'DATA behind the end of the stream');
    else stream.receiveData(bytes, start, end, length, last);
  }

  headers(id: number, list: HeaderList, last: boolean): void {
    this.#streamed = true;
    const stream = this.streams.get(id);
    if (stream?.remoteEnded === true) stream.reset(ErrorCode.STREAM_CLOSED, 'HEADERS behind the end of the stream');
    else if (stream === undefined && this.wasOpened(id)) this.#lateHeaders(id, this.mayBeLate(list, last));
    else this.receiveHeaders(id, list, last);
  }

  windowUpdate(id: number, increment: number): void {
    const stream = this.streams.get(id);
    if (id === 0) this.#sending.widen(increment);
    else if (stream === undefined) this.#mustHaveOpened(id, 'WINDOW_UPDATE');
    else if (increment === 0) stream.reset(ErrorCode.PROTOCOL_ERROR, 'a WINDOW_UPDATE by nothing');
    else if (!stream.widen(increment)) stream.reset(ErrorCode.FLOW_CONTROL_ERROR, 'a window over its limit');
    else if (this.#sending.isBlocked(stream)) this.#sending.pump();
  }

  reset(id: number, code: number): void {
    this.#mustHaveOpened(id, 'RST_STREAM');
    this.resetByOther();
    const stream = this.streams.get(id);
    if (stream === undefined) this.idle();
    else stream.receiveReset(code);
  }

  settings(values: readonly (readonly [setting: number, value: number])[]): void {
    this.floods.settings();
    this.wanted.apply(values, this.streams);
    if (!this.#settled) {
      this.#settled = true;
      clearTimeout(this.#handshake);
      this.#keepalive.start();
      this.settled();
    }
    this.#control.begin(0, Frame.SETTINGS, Flag.ACK, 0);
    this.#sending.pump();
  }

  ping(payload: Buffer): void {
    // Clients of gRPC measure the line with a ping beside the data; those cost no more than the data does.
    if (!this.#streamed) this.floods.ping();
    this.#streamed = false;
    this.#control.begin(payload.length, Frame.PING, Flag.ACK, 0);
    this.output.bytes(payload);
  }

  pong(): void {
    this.idle();
    this.#waiting.answered();
  }

  idle(): void {
    this.floods.idle();
  }

  #mustHaveOpened(id: number, what: string): void {
    if (id === 0 || !this.wasOpened(id)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `${what} of a stream that was never opened`);
  }

  /** Data of a stream that is closed: wrong where the other side had ended it; else they were on their way, and cost their window. */
  #lateData(id: number, length: number): void {
    this.#mustHaveOpened(id, 'DATA');
    if (length === 0) this.idle();
    if (this.#ended.has(id)) this.sendReset(id, ErrorCode.STREAM_CLOSED);
  }

  #lateHeaders(id: number, mayBeLate: boolean): void {
    this.idle();
    if (this.#ended.has(id) || !mayBeLate) throw new ConnectionError(ErrorCode.STREAM_CLOSED, 'HEADERS of a stream that is closed');
  }

  /** Lets the other side send again what it has sent, while it is read. */
  #grant(): void {
    const credit = this.#over ? 0 : this.#receiving.grant();
    if (credit > 0) this.sendWindowUpdate(0, credit);
  }
}

const PING_PAYLOAD = Buffer.from('selvage.');
