import { PER_MESSAGE } from '../byte-budget.ts';
import type { Field } from './hpack/static-table.ts';
import { MessageReader, MessageRefused } from './message-reader.ts';
import { ErrorCode, Flag, Frame, MAX_WINDOW } from './protocol.ts';
import { ReceiveWindow } from './receive-window.ts';
import { framedLength, SendQueue, sendEnd, sendWhole } from './send-queue.ts';
import type { HostedStream, StreamHost } from './stream-host.ts';

/** What somebody wants to hear of a stream. Each is called from the loop that reads the socket. */
export interface StreamListener {
  /** Whether the data is no gRPC and is thrown away as it comes. */
  readonly discards?: boolean;
  /** So many bytes of data have come, before anything of them is looked at. */
  received?(bytes: number): void;
  /** Further header fields: a client hears the answer's head, then its trailers. */
  headers(fields: readonly Field[], last: boolean): void;
  message(message: Buffer): void;
  /** The other side has sent its last message. */
  ended(): void;
  /** A message that cannot be taken; the stream is still open. */
  refused(reason: MessageRefused): void;
  /** The stream was cut: by an error code of HTTP/2, or because its connection is lost. Not called after an orderly end. */
  cut(code: number | 'lost', reason: string): void;
  /** What was queued has left, or may leave at once. */
  drained(): void;
  /** The stream is gone, however it ended. */
  closed?(): void;
}

/** One call on a connection: messages in, messages out, and the windows that bound both. */
export class Stream implements HostedStream {
  readonly id: number;
  /** Bytes of data that came, padding left out. */
  received = 0;
  readonly #connection: StreamHost;
  readonly #reader: MessageReader;
  readonly #queue = new SendQueue();
  readonly #take: (message: Buffer) => void;
  readonly #listener: StreamListener;
  /** Bytes that the other side lets us send. */
  #sendWindow: number;
  readonly #receiving: ReceiveWindow;
  /** A message could not be taken; what follows it has no meaning. */
  #refused = false;
  #remoteEnded = false;
  #localEnded = false;
  #gone = false;
  /** Trailers, or an empty DATA frame, that wait behind the queue. */
  #last: Buffer | 'end' | undefined;

  constructor(connection: StreamHost, id: number, listener: StreamListener) {
    this.#connection = connection;
    this.id = id;
    this.#listener = listener;
    this.#sendWindow = connection.initialSendWindow;
    this.#receiving = new ReceiveWindow(connection.limits.streamWindow);
    this.#reader = new MessageReader(connection.limits.messageBytes);
    this.#take = (message) => {
      const cost = message.length + PER_MESSAGE;
      this.#receiving.unread(cost);
      connection.unread(cost);
      listener.message(message);
    };
  }

  /** DER of the certificate that the other side showed. */
  get peerCertificate(): Uint8Array | undefined {
    return this.#connection.peerCertificate;
  }

  get remoteEnded(): boolean {
    return this.#remoteEnded;
  }

  /** Whether no further message can be sent. */
  get ending(): boolean {
    return this.#localEnded || this.#last !== undefined;
  }

  /** Bytes that wait to be sent. */
  get queued(): number {
    return this.#queue.bytes;
  }

  // What the other side sent. Only the connection calls these.

  receiveHeaders(fields: readonly Field[], last: boolean): void {
    if (last) this.#remoteEnded = true;
    this.#listener.headers(fields, last);
    if (last) this.#endReceived();
  }

  /** @param frameLength bytes that count for the window, padding included */
  receiveData(bytes: Buffer, start: number, end: number, frameLength: number, last: boolean): void {
    if (!this.#receiving.take(frameLength)) {
      this.reset(ErrorCode.FLOW_CONTROL_ERROR, 'more data than the window allows');
      return;
    }
    if (last) this.#remoteEnded = true;
    if (this.#refused) return; // and no more of it is asked for
    this.received += end - start;
    this.#listener.received?.(end - start);
    if (this.#gone) return; // the listener would not have so much
    try {
      if (this.#listener.discards !== true) this.#reader.read(bytes, start, end, this.#take);
    } catch (thrown) {
      if (!(thrown instanceof MessageRefused)) throw thrown;
      this.#refused = true;
      this.#listener.refused(thrown);
      return;
    }
    if (last) this.#endReceived();
    else this.#grant();
  }

  receiveReset(code: number): void {
    this.#remoteEnded = true;
    this.#close();
    this.#listener.cut(code, 'the other side reset the stream');
  }

  /** The connection is gone. */
  break(reason: string): void {
    this.#close();
    this.#listener.cut('lost', reason);
  }

  /** False when the window would become larger than HTTP/2 allows. */
  widen(bytes: number): boolean {
    this.#sendWindow += bytes;
    return this.#sendWindow <= MAX_WINDOW;
  }

  // What we send.

  headers(block: Buffer): void {
    if (!this.#localEnded) this.#connection.output.frame(Frame.HEADERS, Flag.END_HEADERS, this.id, block);
  }

  /** Sends a message, or queues it; false when it had to wait, and `drained` will be called. */
  send(message: Uint8Array): boolean {
    if (this.ending) return true;
    const length = framedLength(message);
    if (this.#queue.empty && this.#connection.claim(length, this.#sendWindow)) {
      this.#sendWindow -= length;
      sendWhole(this.#connection.output, this.id, message);
      return true;
    }
    this.#queue.add(message);
    this.#connection.queue(this, length);
    return this.#queue.empty || this.#localEnded;
  }

  /** Sends data that is no gRPC message, and ends our side. */
  endWith(body: Uint8Array): void {
    if (this.ending) return;
    this.#queue.add(body, 0);
    this.#last = 'end';
    this.#connection.queue(this, body.length);
  }

  /** Ends our side: with trailers, or for a client without. What is queued goes first. */
  end(trailers?: Buffer): void {
    if (this.ending) return;
    this.#last = trailers ?? 'end';
    if (this.#queue.empty) this.#sendLast();
  }

  /** Cuts the stream and says why. */
  reset(code: number, reason: string): void {
    if (this.#localEnded && this.#remoteEnded) return;
    this.#connection.sendReset(this.id, code);
    this.#close();
    this.#listener.cut(code, reason);
  }

  /** Cuts the stream without telling the listener, who wants it so. */
  abandon(code: number): void {
    if (this.#localEnded && this.#remoteEnded) return;
    this.#connection.sendReset(this.id, code);
    this.#close();
  }

  /** Says that the listener has used up a message of so many bytes: so many more may come. */
  consumed(bytes: number): void {
    const cost = bytes + PER_MESSAGE;
    this.#receiving.unread(-cost);
    this.#connection.unread(-cost);
    this.#grant();
  }

  /** Sends queued frames while there is room. @returns whether one was sent */
  pump(): boolean {
    let sent = 0;
    while (!this.#queue.empty) {
      const room = this.#connection.room(this.#sendWindow);
      if (room <= 0 || sent > PUMP_BYTES) break;
      const length = this.#queue.sendFrame(this.#connection.output, this.id, room);
      this.#connection.spend(length);
      this.#sendWindow -= length;
      sent += length;
    }
    if (this.#queue.empty) {
      this.#connection.dequeue(this);
      if (this.#last !== undefined) this.#sendLast();
      else if (!this.#localEnded) this.#listener.drained();
    }
    return sent > 0;
  }

  #sendLast(): void {
    const { output } = this.#connection;
    const trailers = this.#last === 'end' ? undefined : this.#last;
    this.#localEnded = true;
    if (trailers === undefined) sendEnd(output, this.id);
    else output.frame(Frame.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, this.id, trailers);
    if (trailers !== undefined && !this.#remoteEnded) this.#connection.sendReset(this.id, ErrorCode.NO_ERROR); // no more is wanted
    if (trailers !== undefined || this.#remoteEnded) this.#close();
  }

  #endReceived(): void {
    if (this.#gone || this.#refused) return; // the listener has ended it, or is about to
    if (!this.#reader.betweenMessages) {
      this.reset(ErrorCode.PROTOCOL_ERROR, 'the stream ended within a message');
      return;
    }
    this.#listener.ended();
    if (this.#localEnded) this.#close();
  }

  /** Lets the other side send again what it has sent, while somebody reads. */
  #grant(): void {
    const credit = this.#remoteEnded || this.#refused ? 0 : this.#receiving.grant();
    if (credit > 0) this.#connection.sendWindowUpdate(this.id, credit);
  }

  #close(): void {
    if (this.#gone) return;
    const ended = this.#remoteEnded;
    this.#gone = true;
    this.#localEnded = true;
    this.#remoteEnded = true;
    this.#connection.forget(this, ended);
    this.#queue.clear();
    this.#connection.unread(-this.#receiving.abandon());
    this.#listener.closed?.();
  }
}

/** What one stream may send before others get their turn. */
const PUMP_BYTES = 64 * 1024;
