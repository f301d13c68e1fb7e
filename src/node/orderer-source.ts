import type { JoinedChannel } from '../channel/joined-channel.ts';
import { OrdererClient } from '../client/orderer-client.ts';
import type { ClientTls, Pem } from '../comm/tls.ts';
import type { BlockSource } from '../committer/block-source.ts';
import { sha256 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { OrdererEndpoint } from '../msp/channelconfig/channel-bundle.ts';
import { derOfPem } from '../msp/identities/pem.ts';
import type { Signer } from '../msp/identity.ts';
import type { common } from '../protos/messages.ts';

/** How this peer is known by TLS, PEM: what it shows to orderers that ask for a client certificate. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
}

export interface OrdererSourceParts {
  readonly channel: Pick<JoinedChannel, 'id' | 'bundle' | 'onConfigured'>;
  readonly signer: Signer;
  /** Undefined where the ordering service is reached without TLS; its roots come from the channel configuration. */
  readonly tls: TlsIdentity | undefined;
  /** Where to go instead of an address of the configuration. Without roots of its own, those of the configuration count. */
  readonly overrides: ReadonlyMap<string, EndpointOverride>;
  readonly log: Logger;
}

export interface EndpointOverride {
  readonly address: string;
  readonly tlsRoots: readonly Pem[] | undefined;
}

/** Blocks from the channel's ordering service: whichever of its nodes answers, as the configuration in force names them. */
export class OrdererSource implements BlockSource {
  readonly #parts: OrdererSourceParts;
  readonly #tlsCertHash: Uint8Array | undefined;
  #turn = 0;

  constructor(parts: OrdererSourceParts) {
    this.#parts = parts;
    this.#tlsCertHash = parts.tls && sha256(derOfPem(parts.tls.cert));
  }

  async *blocks(from: bigint, signal: AbortSignal): AsyncGenerator<common.Block> {
    let next = from;
    for (;;) {
      using moved = this.#watchEndpoints();
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
    const { channel, signer, log } = this.#parts;
    using client = new OrdererClient(this.#next());
    log.info('asking for blocks', { channel: channel.id, from: from.toString(), orderer: client.address });
    yield* client.blocks(signer, channel.id, { start: from, tlsCertHash: this.#tlsCertHash }, { signal });
  }

  /** A signal that aborts when other nodes or authorities are in force, as a Go peer leaves its orderer then. */
  #watchEndpoints(): Disposable & { readonly signal: AbortSignal } {
    const { channel } = this.#parts;
    const moved = new AbortController();
    const before = fingerprintOf(channel.bundle().ordererEndpoints);
    const listening = channel.onConfigured(() => {
      if (fingerprintOf(channel.bundle().ordererEndpoints) !== before)
        moved.abort(new SelvageError('CANCELLED', 'the configuration names other ordering nodes'));
    });
    return { signal: moved.signal, [Symbol.dispose]: () => listening[Symbol.dispose]() };
  }

  /** The nodes take turns, so that a dead one is not asked twice in a row where there are others. */
  #next(): { readonly address: string; readonly tls: ClientTls | undefined } {
    const { channel, overrides, tls } = this.#parts;
    const { channelId, ordererEndpoints: all } = channel.bundle();
    const endpoint = all[this.#turn % Math.max(all.length, 1)];
    this.#turn += 1;
    if (endpoint === undefined) throw new SelvageError('CONFIG_INVALID', `the configuration of channel ${channelId} names no orderer`);
    const override = overrides.get(endpoint.address);
    const roots = override?.tlsRoots ?? endpoint.tlsRoots;
    return { address: override?.address ?? endpoint.address, tls: tls && { roots, ...tls } };
  }
}

const fingerprintOf = (endpoints: readonly OrdererEndpoint[]): string =>
  endpoints.map(({ address, tlsRoots }) => [address, ...tlsRoots.map((root) => Buffer.from(root).toString('base64'))].join(' ')).join('\n');
