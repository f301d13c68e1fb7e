import { GrpcClient } from '../comm/client.ts';
import type { DialOptions } from '../comm/transport.ts';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import type { Signer } from '../msp/identity.ts';
import { common, orderer } from '../protos/messages.ts';
import { OF_STRANGERS } from '../protos/wire.ts';
import { statusName } from './go-text.ts';
import { type BlockRange, seekEnvelope } from './seek.ts';

/** Who takes envelopes to be ordered. */
export interface Broadcaster {
  /** Hands in one envelope. @throws {SelvageError} `REFUSED_BY_PEER` with the orderer's status and text */
  broadcast(envelope: Uint8Array, options: Cancellable): Promise<void>;
}

/** The same envelope to several orderers, one after the other, as an ordering service of Fabric 3.x may need it; all have to take it. */
export const toEach = (orderers: readonly Broadcaster[]): Broadcaster => ({
  broadcast: async (envelope, options) => {
    for (const each of orderers) await each.broadcast(envelope, options);
  },
});

/** An ordering service as peers and clients see it. */
export class OrdererClient implements Broadcaster, Disposable {
  readonly address: string;
  readonly #grpc: GrpcClient;

  constructor(options: DialOptions) {
    this.#grpc = new GrpcClient(options);
    this.address = options.address;
  }

  /** Hands in one envelope. @throws {SelvageError} `REFUSED_BY_PEER` with the orderer's status and text */
  async broadcast(envelope: Uint8Array, options: Cancellable): Promise<void> {
    using stream = this.#grpc.bidi('/orderer.AtomicBroadcast/Broadcast', options);
    await stream.send(envelope);
    stream.end();
    for await (const bytes of stream.incoming) {
      const { status, info } = orderer.BroadcastResponse.decode(bytes, OF_STRANGERS);
      if (status === common.Status.SUCCESS) return;
      throw new SelvageError('REFUSED_BY_PEER', `got unexpected status: ${statusName(status)} -- ${info}`, { details: { status } });
    }
    throw new SelvageError('PEER_UNREACHABLE', `${this.address} ended the broadcast without an answer`, {
      details: { address: this.address },
    });
  }

  /** Blocks in order, until the end of the range. @throws {SelvageError} `REFUSED_BY_PEER` with the deliver status */
  async *blocks(signer: Signer, channelId: string, range: BlockRange, options: Cancellable): AsyncGenerator<common.Block> {
    using stream = this.#grpc.bidi('/orderer.AtomicBroadcast/Deliver', options);
    await stream.send(await seekEnvelope(signer, channelId, range));
    for await (const bytes of stream.incoming) {
      const { block, status } = orderer.DeliverResponse.decode(bytes, OF_STRANGERS);
      if (block !== undefined) yield block;
      else if (status === common.Status.SUCCESS) return;
      else
        throw new SelvageError('REFUSED_BY_PEER', `can't read the block: &{${statusName(status ?? 0)}}`, {
          details: { status: status ?? 0, address: this.address },
        });
    }
  }

  /** @see GrpcClient.connected */
  connected(ms: number): Promise<boolean> {
    return this.#grpc.connected(ms);
  }

  [Symbol.dispose](): void {
    this.#grpc[Symbol.dispose]();
  }
}
