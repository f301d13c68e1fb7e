/** A chaincode without a shim, over a real connection, that does with each message what a test wants. */
import { Type } from '../../src/chaincode/stream/message-types.ts';
import { GrpcClient } from '../../src/comm/client.ts';
import type { ClientStream, DialOptions } from '../../src/comm/transport.ts';
import { deferred } from '../../src/common/deferred.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { protos } from '../../src/protos/messages.ts';
import { never } from './network.ts';

/** What it does with INIT and TRANSACTION; anything else it is sent is an answer to a request of its own. */
export type Behaviour = (start: protos.ChaincodeMessage, chaincode: RawChaincode) => void | Promise<void>;

export class RawChaincode implements Disposable {
  readonly #client: GrpcClient;
  readonly #call: ClientStream;
  readonly #ready = deferred<void>();
  /** Why the peer ended the stream: `ended`, or its error. */
  readonly ended: Promise<string>;
  behave: Behaviour;

  /** @param behave undefined: it never reads what the peer sends */
  constructor(options: DialOptions, behave: Behaviour | undefined) {
    this.#client = new GrpcClient(options);
    this.#call = this.#client.bidi('/protos.ChaincodeSupport/Register', { signal: never });
    this.behave = behave ?? (() => undefined);
    this.#ready.promise.catch(() => undefined);
    this.ended = behave === undefined ? new Promise(() => undefined) : this.#read();
  }

  send(message: protos.ChaincodeMessageInit): Promise<void> {
    return this.sendBytes(protos.ChaincodeMessage.encode(message));
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    return this.#call.send(bytes);
  }

  claim(ccid: string): Promise<void> {
    return this.send({ type: Type.REGISTER, payload: protos.ChaincodeID.encode({ name: ccid }) });
  }

  /** Resolves when the peer sent READY. Rejects with its reason when it refuses. */
  async register(ccid: string): Promise<void> {
    await this.claim(ccid);
    await this.#ready.promise;
  }

  complete({ txid, channelId }: protos.ChaincodeMessage, payload: Uint8Array = new Uint8Array(0)): Promise<void> {
    return this.send({ type: Type.COMPLETED, txid, channelId, payload: protos.Response.encode({ status: 200, payload }) });
  }

  [Symbol.dispose](): void {
    this.#call[Symbol.dispose]();
    this.#client[Symbol.dispose]();
  }

  async #read(): Promise<string> {
    try {
      for await (const bytes of this.#call.incoming) {
        const message = protos.ChaincodeMessage.decode(bytes);
        if (message.type === Type.READY) this.#ready.resolve();
        if (message.type === Type.INIT || message.type === Type.TRANSACTION) await this.behave(message, this);
      }
      this.#ready.reject(new Error('the peer ended the stream'));
      return 'ended';
    } catch (thrown) {
      this.#ready.reject(SelvageError.from(thrown));
      return SelvageError.from(thrown).message;
    }
  }
}
