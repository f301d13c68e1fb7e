import { type ChaincodeConnection, type ReceivedMessage, receiveMessage } from '../chaincode/stream/connection.ts';
import type { ByteStream, CallContext, Method } from '../comm/method.ts';
import { sha256 } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import type { SelvageError } from '../common/errors.ts';

/** Takes the stream of one chaincode and serves it until it ends. */
export interface ChaincodeStreams {
  serve(connection: ChaincodeConnection): Promise<unknown>;
}

/** `protos.ChaincodeSupport`: where chaincode registers. It has a port of its own and is never served to clients. */
export function chaincodeSupportService(chaincodes: ChaincodeStreams): Method[] {
  return [{ kind: 'bidi', path: '/protos.ChaincodeSupport/Register', handle: (stream, context) => serve(chaincodes, stream, context) }];
}

async function serve(chaincodes: ChaincodeStreams, stream: ByteStream, context: CallContext): Promise<void> {
  const closed = deferred<SelvageError | undefined>();
  const incoming = new UntilClosed(stream.incoming);
  const { peerCertificate } = context;
  const connection: ChaincodeConnection = {
    incoming,
    peerCertificateHash: peerCertificate && sha256(peerCertificate),
    send: (message) => stream.send(message),
    close: (reason) => {
      incoming.close();
      closed.resolve(reason);
    },
  };
  const reason = await Promise.race([chaincodes.serve(connection).then(() => undefined), closed.promise]);
  if (reason !== undefined) throw reason;
}

/** What arrives, until the other side ends or this side closes. Messages are pulled one at a time, which holds a flood back. */
class UntilClosed implements AsyncIterableIterator<ReceivedMessage> {
  readonly #frames: AsyncIterator<Uint8Array>;
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(frames: AsyncIterable<Uint8Array>) {
    this.#frames = frames[Symbol.asyncIterator]();
  }

  next(): Promise<IteratorResult<ReceivedMessage>> {
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve({ done: true, value: undefined });
      this.#frames
        .next()
        .then(({ done, value }) => resolve(done === true ? { done, value } : { done: false, value: receiveMessage(value) }))
        .catch(reject);
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
