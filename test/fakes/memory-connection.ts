import { type ChaincodeConnection, type ReceivedMessage, receiveMessages } from '../../src/chaincode/ports/connection.ts';
import { type Deferred, deferred } from '../../src/common/deferred.ts';
import { SelvageError } from '../../src/common/errors.ts';

/** The chaincode's end of a connection inside this process. */
export interface ChaincodeEnd {
  readonly incoming: AsyncIterable<ReceivedMessage>;
  send(message: Uint8Array): Promise<void>;
  /** Ends the connection, as a failure of the transport if `error` is given. */
  close(error?: SelvageError): void;
}

export interface ConnectionPairOptions {
  /** Messages that may wait in each direction before a sender waits. */
  readonly capacity?: number | undefined;
  readonly peerCertificateHash?: Uint8Array | undefined;
  readonly madeFor?: string | undefined;
}

/** Two ends of one connection in memory: for chaincode that runs in this process. */
export function connectionPair({ capacity = 16, peerCertificateHash, madeFor }: ConnectionPairOptions = {}): {
  readonly peer: ChaincodeConnection;
  readonly chaincode: ChaincodeEnd;
} {
  const toPeer = new Pipe(capacity);
  const toChaincode = new Pipe(capacity);
  const close = (error: SelvageError | undefined) => {
    toPeer.close(error);
    toChaincode.close(error);
  };
  return {
    peer: {
      incoming: receiveMessages(toPeer),
      peerCertificateHash,
      madeFor,
      send: (message) => toChaincode.send(message),
      close: () => close(undefined),
    },
    chaincode: { incoming: receiveMessages(toChaincode), send: (message) => toPeer.send(message), close },
  };
}

/** A bounded queue of frames. What was sent before it closed is still delivered. */
class Pipe implements AsyncIterable<Uint8Array> {
  readonly #capacity: number;
  readonly #frames: Uint8Array[] = [];
  #arrival: Deferred<void> | undefined;
  #room: Deferred<void> | undefined;
  #closed: { readonly error: SelvageError | undefined } | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  async send(frame: Uint8Array): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed.error ?? new SelvageError('CHAINCODE_STREAM_ENDED', 'the connection is closed');
    this.#frames.push(frame);
    this.#arrival?.resolve();
    if (this.#frames.length <= this.#capacity) return;
    this.#room ??= deferred();
    await this.#room.promise;
  }

  close(error: SelvageError | undefined): void {
    this.#closed ??= { error };
    this.#arrival?.resolve();
    this.#room?.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) {
        this.#makeRoom();
        yield frame;
      } else if (this.#closed !== undefined) {
        if (this.#closed.error !== undefined) throw this.#closed.error;
        return;
      } else {
        this.#arrival = deferred();
        await this.#arrival.promise;
      }
    }
  }

  #makeRoom(): void {
    if (this.#frames.length > this.#capacity) return;
    this.#room?.resolve();
    this.#room = undefined;
  }
}
