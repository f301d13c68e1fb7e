import type { Socket } from 'node:net';
import { type ReceivedMessage, receiveMessage } from '../../chaincode/ports/connection.ts';
import type { Holding } from '../../comm/byte-budget.ts';
import type { SelvageError } from '../../common/errors.ts';
import { Delivery, type Incoming, type Listener, type Waiting } from '../../common/incoming.ts';
import { HEADER } from './frames.ts';

/** Bytes and messages that may wait for their reader before nothing more is read from the socket. */
const MOST_BYTES = 1024 * 1024;
const MOST_MESSAGES = 256;

/** Messages that came and wait to be read. What came before the end is still given, unless this side closes. */
export class MessageQueue implements AsyncIterableIterator<ReceivedMessage>, Incoming<ReceivedMessage>, Waiting<ReceivedMessage> {
  readonly #socket: Socket;
  readonly #holding: Holding;
  readonly #messages: Uint8Array[] = [];
  #bytes = 0;
  #end: { readonly error: SelvageError | undefined } | undefined;
  #waiting: Reader | undefined;
  #delivery: Delivery<ReceivedMessage> | undefined;

  constructor(socket: Socket, holding: Holding) {
    this.#socket = socket;
    this.#holding = holding;
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** Whether the socket is not read at the moment. */
  get full(): boolean {
    return this.#bytes > MOST_BYTES || this.#messages.length > MOST_MESSAGES;
  }

  push(message: Uint8Array): void {
    if (this.#end !== undefined) return;
    this.#holding.waits();
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      this.#holding.consumed(HEADER + message.length);
      give(message, waiting);
      return;
    }
    this.#messages.push(message);
    this.#bytes += message.length;
    this.#delivery?.proceed();
    if (this.full) this.#socket.pause();
  }

  listen(listener: Listener<ReceivedMessage>): void {
    this.#delivery = new Delivery(this, listener);
    this.#delivery.proceed();
  }

  /** Nothing more comes. Only the first call counts. */
  end(error?: SelvageError): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error !== undefined) waiting?.reject(error);
    else waiting?.resolve(DONE);
    this.#delivery?.proceed();
  }

  /** Nothing more is read. */
  close(): void {
    this.#messages.length = 0;
    this.#bytes = 0;
    this.#end = { error: undefined };
    this.#waiting?.resolve(DONE);
    this.#waiting = undefined;
    this.#delivery?.proceed();
  }

  get over(): { readonly failure: unknown } | undefined {
    return this.#end && { failure: this.#end.error };
  }

  take(): ReceivedMessage | undefined {
    const message = this.#shift();
    return message && receiveMessage(message);
  }

  next(): Promise<IteratorResult<ReceivedMessage>> {
    const message = this.#shift();
    if (message !== undefined) return new Promise((resolve, reject) => give(message, { resolve, reject }));
    if (this.#end?.error !== undefined) return Promise.reject(this.#end.error);
    if (this.#end !== undefined) return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #shift(): Uint8Array | undefined {
    const message = this.#messages.shift();
    if (message === undefined) return undefined;
    this.#bytes -= message.length;
    this.#holding.consumed(HEADER + message.length);
    if (!this.full) this.#socket.resume();
    return message;
  }
}

interface Reader {
  readonly resolve: (result: IteratorResult<ReceivedMessage>) => void;
  readonly reject: (reason: unknown) => void;
}

function give(bytes: Uint8Array, { resolve, reject }: Reader): void {
  try {
    resolve({ done: false, value: receiveMessage(bytes) });
  } catch (thrown) {
    reject(thrown);
  }
}

const DONE = { done: true, value: undefined } as const;
