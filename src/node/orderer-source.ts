import { OrdererClient } from '../client/orderer-client.ts';
import type { DialOptions } from '../comm/transport.ts';
import type { BlockSource } from '../committer/block-source.ts';
import { verifyAttestation } from '../committer/block-verification.ts';
import { sha256 } from '../common/bytes.ts';
import type { Logger } from '../common/log.ts';
import { derOfPem } from '../msp/identities/pem.ts';
import type { Signer } from '../msp/identity.ts';
import type { common } from '../protos/messages.ts';
import type { DeliveryConfig } from './config/delivery-config.ts';
import { OrdererRotation, type RotationParts, type Turn } from './orderers/orderer-rotation.ts';
import { type HeaderSource, WithholdingWatch } from './orderers/withholding-watch.ts';

export interface OrdererSourceParts extends RotationParts {
  readonly signer: Signer;
  readonly delivery: Pick<DeliveryConfig, 'policy' | 'withheldMs'>;
  readonly log: Logger;
}

/**
 * Blocks from the channel's ordering service: whichever of its nodes answers, as the configuration in force names them. Of a BFT service
 * one gives the blocks, and the others prove what there is.
 */
export class OrdererSource implements BlockSource {
  readonly #parts: OrdererSourceParts;
  readonly #rotation: OrdererRotation;
  readonly #tlsCertHash: Uint8Array | undefined;

  constructor(parts: OrdererSourceParts) {
    this.#parts = parts;
    this.#rotation = new OrdererRotation(parts);
    this.#tlsCertHash = parts.tls && sha256(derOfPem(parts.tls.cert));
  }

  async *blocks(from: bigint, signal: AbortSignal): AsyncGenerator<common.Block> {
    let next = from;
    for (;;) {
      using moved = this.#rotation.watch();
      try {
        for await (const block of this.#ask(next, AbortSignal.any([signal, moved.signal]))) {
          next += 1n;
          yield block;
        }
        return;
      } catch (thrown) {
        if (!moved.signal.aborted || signal.aborted) throw thrown;
        this.#parts.log.info('the ordering nodes have changed', { channel: this.#parts.channel.id });
      }
    }
  }

  async *#ask(from: bigint, signal: AbortSignal): AsyncGenerator<common.Block> {
    const { channel, log } = this.#parts;
    const turn = this.#rotation.next();
    log.info('asking for blocks', { channel: channel.id, from: from.toString(), orderer: turn.source.address });
    await using watch = this.#watch(from, turn);
    const either = watch === undefined ? signal : AbortSignal.any([signal, watch.signal]);
    using client = new OrdererClient(turn.source);
    watch?.awaiting();
    for await (const block of this.#read(client, from, { signal: either })) {
      watch?.received(block.header?.number ?? from);
      yield block;
      watch?.awaiting();
    }
  }

  #read(client: OrdererClient, start: bigint, options: { readonly signal: AbortSignal; readonly headersOnly?: boolean }) {
    const { channel, signer } = this.#parts;
    const { signal, headersOnly } = options;
    return client.blocks(signer, channel.id, { start, headersOnly, tlsCertHash: this.#tlsCertHash }, { signal });
  }

  /** Looks after a source of a BFT service that has others beside it. */
  #watch(from: bigint, { source, others }: Turn): WithholdingWatch | undefined {
    const { channel, delivery, log } = this.#parts;
    if (channel.bundle().orderer?.consensusType !== 'BFT' || delivery.policy === 'simple' || others.length === 0) return undefined;
    return new WithholdingWatch({
      from,
      source: source.address,
      others: others.map((other) => this.#headersOf(other)),
      prove: (block, number) => verifyAttestation(block, number, channel.bundle()),
      withheldMs: delivery.withheldMs,
      log,
    });
  }

  #headersOf(other: DialOptions): HeaderSource {
    const read = this.#read.bind(this);
    return {
      address: other.address,
      headers: async function* (from, { signal }) {
        using client = new OrdererClient(other);
        yield* read(client, from, { signal, headersOnly: true });
      },
    };
  }
}
