import type { SelvageError } from '../../common/errors.ts';
import { type Incoming, type Listener, listenTo } from '../../common/incoming.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import { protos } from '../../protos/messages.ts';
import { OF_STRANGERS } from '../../protos/wire.ts';
import type { Debuggee } from './debugging.ts';

/** A message as it travelled: `bytes` for passing it on, `message` for reading. Both keep the memory they came in. */
export interface ReceivedMessage {
  readonly bytes: Uint8Array;
  readonly message: protos.ChaincodeMessage;
}

/**
 * The port between the chaincode stream and whatever carries it: a gRPC call in either direction, or something faster on
 * this host. It moves `protos.ChaincodeMessage`s and knows nothing of what they mean.
 */
export interface ChaincodeConnection {
  /**
   * What the chaincode sends, in order; read once. Ends when the chaincode closes or {@link close} is called, fails with what went
   * wrong. The next message is taken from the transport only when the one before is dealt with: that is how a flood is held back.
   */
  readonly incoming: Incoming<ReceivedMessage>;
  /** SHA-256 of the DER of the certificate that the chaincode showed, absent without TLS or without a certificate. */
  readonly peerCertificateHash?: Uint8Array | undefined;
  /** `host:port` of the chaincode's end, where there is such a thing. */
  readonly remote?: string | undefined;
  /**
   * The chaincode that this connection was made for, because the peer dialled it or let one instance alone come this way: no other name can
   * register here, and who is at the other end was settled before.
   */
  readonly madeFor?: string | undefined;
  /** Its processes on this machine, where they are known: see {@link Debuggee}. */
  readonly processes?: Debuggee['processes'];
  /**
   * Whether the process at the other end still takes part in the connection at all, whatever its chaincode does: false when nothing
   * came back within `ms` milliseconds; undefined when nobody can tell. Absent where nobody ever can.
   */
  readonly responds?: ((ms: number) => Promise<boolean | undefined>) | undefined;
  /** Sends one encoded message; a promise resolves when there is room for the next. Fails when it cannot be sent any more. */
  send(message: Uint8Array): MaybePromise<void>;
  /** Ends the connection, with an error for the chaincode to see if `reason` is given. Harmless when it is over already. */
  close(reason?: SelvageError): void;
}

/** Reads frames as chaincode messages. @throws {SelvageError} `MALFORMED`, at the first frame that is none */
export async function* receiveMessages(frames: AsyncIterable<Uint8Array>): AsyncGenerator<ReceivedMessage> {
  for await (const bytes of frames) yield receiveMessage(bytes);
}

/** @throws {SelvageError} `MALFORMED` */
export const receiveMessage = (bytes: Uint8Array): ReceivedMessage => ({
  bytes,
  message: protos.ChaincodeMessage.decode(bytes, OF_STRANGERS),
});

/** What arrives in a call, until the other side ends or this side closes. */
export class IncomingMessages implements AsyncIterableIterator<ReceivedMessage>, Incoming<ReceivedMessage> {
  readonly #frames: Incoming<Uint8Array>;
  readonly #broken: (cause: unknown) => unknown;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #closed = false;
  #wake: () => void = () => undefined;

  /** @param broken what a failure of the call is for who reads the messages */
  constructor(frames: Incoming<Uint8Array>, broken: (cause: unknown) => unknown = (cause) => cause) {
    this.#frames = frames;
    this.#broken = broken;
  }

  next(): Promise<IteratorResult<ReceivedMessage>> {
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    this.#iterator ??= this.#frames[Symbol.asyncIterator]();
    const frame = this.#iterator.next().catch((cause: unknown) => Promise.reject(this.#broken(cause)));
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve({ done: true, value: undefined });
      frame
        .then(({ done, value }) => resolve(done === true ? { done, value } : { done: false, value: receiveMessage(value) }))
        .catch(reject);
    });
  }

  listen(listener: Listener<ReceivedMessage>): void {
    let over = false;
    const end = (failure?: unknown): void => {
      if (over) return;
      over = true;
      listener.ended(failure);
    };
    this.#wake = end;
    if (this.#closed) end();
    listenTo(this.#frames, {
      received: (bytes) => {
        if (over) return;
        try {
          return listener.received(receiveMessage(bytes));
        } catch (malformed) {
          end(malformed);
        }
      },
      ended: (failure) => end(failure === undefined ? undefined : this.#broken(failure)),
    });
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
