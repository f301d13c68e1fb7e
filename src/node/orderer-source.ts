import type { Channel } from '../channel/channel.ts';
import { OrdererClient } from '../client/orderer-client.ts';
import type { BlockSource } from '../committer/block-source.ts';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { Signer } from '../msp/identity.ts';
import { type common, msp } from '../protos/messages.ts';

export interface OrdererSourceParts {
  readonly channel: Channel;
  readonly signer: Signer;
  /** Whether the ordering service is reached by TLS; its roots come from the channel configuration. */
  readonly tls: boolean;
  readonly log: Logger;
}

/** Blocks from the channel's ordering service: whichever of its addresses answers. */
export class OrdererSource implements BlockSource {
  readonly #parts: OrdererSourceParts;
  #turn = 0;

  constructor(parts: OrdererSourceParts) {
    this.#parts = parts;
  }

  async *blocks(from: bigint, signal: AbortSignal): AsyncGenerator<common.Block> {
    const { channel, signer, log } = this.#parts;
    using client = new OrdererClient(this.#next());
    log.info('asking for blocks', { channel: channel.id, from: from.toString(), orderer: client.address });
    yield* client.blocks(signer, channel.id, { start: from }, { signal });
  }

  /** The addresses take turns, so that a dead orderer is not asked twice in a row where there are others. */
  #next() {
    const bundle = this.#parts.channel.bundle();
    const addresses = bundle.ordererAddresses;
    const address = addresses[this.#turn % Math.max(addresses.length, 1)];
    this.#turn += 1;
    if (address === undefined)
      throw new SelvageError('CONFIG_INVALID', `the configuration of channel ${bundle.channelId} names no orderer`);
    return { address, tls: this.#parts.tls ? { roots: ordererTlsRoots(bundle.config) } : undefined };
  }
}

/** PEM text of the TLS roots of all orderer organisations of a channel. */
function ordererTlsRoots(config: common.Config): Uint8Array {
  const organizations = config.channelGroup?.groups.get('Orderer')?.groups ?? new Map<string, common.ConfigGroup>();
  const roots = [...organizations.values()].flatMap((group) => {
    const value = group.values.get('MSP')?.value;
    if (value === undefined) return [];
    const definition = msp.FabricMSPConfig.decode(msp.MSPConfig.decode(value).config);
    return [...definition.tlsRootCerts, ...definition.tlsIntermediateCerts];
  });
  return Buffer.concat(roots);
}
