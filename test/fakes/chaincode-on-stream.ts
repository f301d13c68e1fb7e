/** A chaincode that does what a test says, over a connection in memory. */
import type { ReceivedMessage } from '../../src/chaincode/ports/connection.ts';
import { Type } from '../../src/chaincode/stream/message-types.ts';
import { protos } from '../../src/protos/messages.ts';
import { type ConnectionPairOptions, connectionPair } from './memory-connection.ts';

export class ChaincodeOnStream {
  readonly #pair: ReturnType<typeof connectionPair>;
  readonly #inbox: AsyncIterator<ReceivedMessage>;

  constructor(options: ConnectionPairOptions = {}) {
    this.#pair = connectionPair(options);
    this.#inbox = this.#pair.chaincode.incoming[Symbol.asyncIterator]();
  }

  /** The peer's end. */
  get connection() {
    return this.#pair.peer;
  }

  sendBytes(message: Uint8Array): Promise<void> {
    return this.#pair.chaincode.send(message);
  }

  send(message: protos.ChaincodeMessageInit): Promise<void> {
    return this.sendBytes(protos.ChaincodeMessage.encode(message));
  }

  /** The next message from the peer. Fails when the connection ended. */
  async receive(): Promise<ReceivedMessage> {
    const { value, done } = await this.#inbox.next();
    if (done === true) throw new Error('the peer closed the connection');
    return value;
  }

  async receiveMessage(): Promise<protos.ChaincodeMessage> {
    return (await this.receive()).message;
  }

  /** Resolves when the peer has closed the connection; what it sent before is dropped. */
  async closed(): Promise<void> {
    while ((await this.#inbox.next()).done !== true);
  }

  close(): void {
    this.#pair.chaincode.close();
  }

  claim(ccid: string): Promise<void> {
    return this.send({ type: Type.REGISTER, payload: protos.ChaincodeID.encode({ name: ccid }) });
  }

  /** REGISTER, then REGISTERED and READY. @returns READY */
  async register(ccid: string): Promise<protos.ChaincodeMessage> {
    await this.claim(ccid);
    await this.receive();
    return this.receiveMessage();
  }

  /** One request of the transaction that `start` began, and the peer's answer. */
  async ask(start: protos.ChaincodeMessage, type: number, payload: Uint8Array): Promise<protos.ChaincodeMessage> {
    const { txid, channelId } = start;
    await this.send({ type, payload, txid, channelId });
    return this.receiveMessage();
  }

  complete(start: protos.ChaincodeMessage, response: protos.ResponseInit, event?: protos.ChaincodeEventInit): Promise<void> {
    const { txid, channelId } = start;
    return this.send({ type: Type.COMPLETED, payload: protos.Response.encode(response), txid, channelId, chaincodeEvent: event });
  }
}
