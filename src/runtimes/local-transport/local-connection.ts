import type { Socket } from 'node:net';
import type { ChaincodeConnection } from '../../chaincode/ports/connection.ts';
import { brokenCall } from '../../comm/broken-call.ts';
import type { ByteBudget, Holding } from '../../comm/byte-budget.ts';
import { MAX_MESSAGE_BYTES } from '../../comm/limits.ts';
import { tooLarge } from '../../comm/server.ts';
import { statusOf } from '../../comm/status.ts';
import { SelvageError } from '../../common/errors.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import { type Frame, FrameKind, FrameReader, HEADER, headOf } from './frames.ts';
import { MessageQueue } from './message-queue.ts';

export interface LocalConnectionParts {
  readonly socket: Socket;
  /** The chaincode whose socket it is. */
  readonly madeFor: string;
  readonly processes: () => Promise<readonly number[]>;
  /** Counts what it holds, with the others of the same `owner`. */
  readonly budget: ByteBudget;
  readonly owner: object;
  /** What speaks at the other end. */
  readonly onHello: (what: string) => void;
}

/** Bytes that may wait to be sent before senders wait. */
const HIGH_WATER = 256 * 1024;
/** Milliseconds for what was sent last to be taken by a chaincode that is hung up on. */
const LINGER_MS = 2_000;

/** A chaincode of this machine at the other end of a Unix socket: the same messages as over gRPC, in frames. */
export class LocalConnection implements ChaincodeConnection {
  readonly incoming: MessageQueue;
  readonly madeFor: string;
  readonly processes: () => Promise<readonly number[]>;
  readonly #socket: Socket;
  readonly #onHello: (what: string) => void;
  readonly #holding: Holding;
  readonly #reader = new FrameReader((frame) => this.#take(frame));
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #room: { readonly promise: Promise<void>; readonly done: () => void } | undefined;
  #pongs: ((answered: boolean) => void)[] = [];
  #over = false;

  constructor({ socket, madeFor, processes, budget, owner, onHello }: LocalConnectionParts) {
    this.madeFor = madeFor;
    this.processes = processes;
    this.#socket = socket;
    this.#onHello = onHello;
    this.#holding = budget.open(owner, () => this.#broken(new Error('the peer holds as much for its chaincode as it may')));
    this.incoming = new MessageQueue(socket, this.#holding);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#closed());
  }

  send(message: Uint8Array): MaybePromise<void> {
    if (this.#over) return Promise.reject(new SelvageError('CANCELLED', 'the chaincode hung up'));
    if (message.length > MAX_MESSAGE_BYTES) return Promise.reject(tooLarge(message));
    this.#write(FrameKind.message, message);
    return this.#unsentBytes + this.#socket.writableLength < HIGH_WATER ? undefined : this.#whenRoom();
  }

  /** Asks the preloaded half, which answers as soon as the chaincode lets its process come to it. */
  responds(ms: number): Promise<boolean | undefined> {
    if (this.#over) return Promise.resolve(undefined);
    if (this.incoming.full) return Promise.resolve(true); // it says more than is read
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve(false), ms);
      this.#pongs.push((answered) => {
        clearTimeout(late);
        resolve(answered ? true : undefined);
      });
      this.#write(FrameKind.ping, NOTHING);
    });
  }

  close(reason?: SelvageError): void {
    this.incoming.close();
    this.#hangUp(reason);
  }

  #hangUp(reason: SelvageError | undefined): void {
    if (this.#over) return;
    const { code, message } = reason === undefined ? OK : statusOf(reason);
    this.#write(FrameKind.end, code === 0 ? NOTHING : Buffer.concat([Buffer.of(code), Buffer.from(message)]));
    this.#flush();
    this.#end();
    this.#socket.end();
    const late = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(late));
  }

  #read(chunk: Buffer): void {
    if (this.#over) return;
    try {
      this.#holding.received(chunk.length);
      this.#reader.push(chunk);
    } catch (thrown) {
      this.#broken(thrown);
    }
  }

  #take({ kind, content }: Frame): void {
    if (this.#over) return;
    if (kind === FrameKind.message) this.incoming.push(content);
    else this.#holding.consumed(HEADER + content.length);
    if (kind === FrameKind.hello) this.#onHello(content.toString('latin1').replaceAll(/[^ -~]/g, '?'));
    else if (kind === FrameKind.pong) this.#answerPings(true);
    else if (kind === FrameKind.end) this.incoming.end();
  }

  /** Frames of one turn of the event loop leave together. */
  #write(kind: number, content: Uint8Array): void {
    this.#unsent.push(headOf(kind, content.length), content);
    this.#unsentBytes += content.length;
    if (this.#unsent.length === 2) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const unsent = this.#unsent;
    const bytes = this.#unsentBytes;
    if (unsent.length === 0) return;
    this.#unsent = [];
    this.#unsentBytes = 0;
    if (this.#over) return;
    if (bytes < HIGH_WATER) this.#socket.write(Buffer.concat(unsent));
    else for (const piece of unsent) this.#socket.write(piece);
    if (!this.#socket.writableNeedDrain) this.#drained();
  }

  #whenRoom(): Promise<void> {
    if (this.#room === undefined) {
      let done: () => void = () => undefined;
      const promise = new Promise<void>((resolve) => {
        done = resolve;
      });
      this.#room = { promise, done };
    }
    return this.#room.promise.then(() => {
      if (this.#over) throw new SelvageError('CANCELLED', 'the chaincode hung up');
    });
  }

  #drained(): void {
    this.#room?.done();
    this.#room = undefined;
  }

  /** What cannot be read any further. */
  #broken(cause: unknown): void {
    const { reason, tooLarge } = brokenCall(cause);
    const remedy = tooLarge && [`A message of ${tooLarge.bytes} bytes came: let the chaincode keep its values and answers smaller.`];
    const error = new SelvageError('CHAINCODE_STREAM_ENDED', [`the call of the chaincode broke: ${reason}`, ...(remedy ?? [])].join('\n'), {
      cause,
      details: { reason },
    });
    this.#hangUp(SelvageError.from(cause)); // first: who hears of the end closes this, as if all were well
    this.incoming.end(error);
  }

  #closed(): void {
    if (!this.#over) this.incoming.end(this.incoming.ended ? undefined : hungUp());
    this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#holding[Symbol.dispose]();
    this.#socket.resume(); // what still comes goes nowhere
    this.#answerPings(false);
    this.#drained();
  }

  #answerPings(answered: boolean): void {
    const pongs = this.#pongs;
    this.#pongs = [];
    for (const pong of pongs) pong(answered);
  }
}

const OK = { code: 0, message: '' };
const NOTHING = new Uint8Array(0);

/** As of a call over gRPC whose connection is gone. */
const hungUp = (): SelvageError =>
  new SelvageError('CHAINCODE_STREAM_ENDED', 'the call of the chaincode broke: CANCELLED: the call ended', {
    details: { reason: 'CANCELLED: the call ended' },
  });
