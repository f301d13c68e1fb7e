import type { JoinedChannel } from '../../channel/joined-channel.ts';
import type { ClientTls, Pem } from '../../comm/tls.ts';
import type { DialOptions } from '../../comm/transport.ts';
import { SelvageError } from '../../common/errors.ts';
import { shuffled } from '../../common/shuffled.ts';
import type { OrdererEndpoint } from '../../msp/channelconfig/channel-bundle.ts';

/** How this peer is known by TLS, PEM: what it shows to orderers that ask for a client certificate. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
}

export interface EndpointOverride {
  readonly address: string;
  readonly tlsRoots: readonly Pem[] | undefined;
}

export interface RotationParts {
  readonly channel: Pick<JoinedChannel, 'id' | 'bundle' | 'onConfigured'>;
  /** Undefined where the ordering service is reached without TLS; its roots come from the channel configuration. */
  readonly tls: TlsIdentity | undefined;
  /** Where to go instead of an address of the configuration. Without roots of its own, those of the configuration count. */
  readonly overrides: ReadonlyMap<string, EndpointOverride>;
  /** Milliseconds that a connection may take to stand. */
  readonly connectMs?: number | undefined;
  /** A number from 0 to 1, 1 excluded. */
  readonly random?: (() => number) | undefined;
}

/** Whom to ask for blocks now, and whom else there is. */
export interface Turn {
  readonly source: DialOptions;
  readonly others: readonly DialOptions[];
}

/**
 * The ordering nodes of a channel, as the configuration in force names them, in an order of chance. Each is asked once before one is
 * asked again, so that one that is dead, or lies, costs one attempt.
 */
export class OrdererRotation {
  readonly #parts: RotationParts;
  #fingerprint: string | undefined;
  #order: readonly OrdererEndpoint[] = [];
  #turn = 0;

  constructor(parts: RotationParts) {
    this.#parts = parts;
  }

  /** @throws {SelvageError} `CONFIG_INVALID` when the configuration names none */
  next(): Turn {
    const { channel, random = Math.random } = this.#parts;
    const { channelId, ordererEndpoints } = channel.bundle();
    const fingerprint = fingerprintOf(ordererEndpoints);
    if (fingerprint !== this.#fingerprint) {
      this.#fingerprint = fingerprint;
      this.#order = shuffled(ordererEndpoints, (below) => Math.floor(random() * below));
      this.#turn = 0;
    }
    const at = this.#turn % Math.max(this.#order.length, 1);
    const source = this.#order[at];
    if (source === undefined) throw new SelvageError('CONFIG_INVALID', `the configuration of channel ${channelId} names no orderer`);
    this.#turn += 1;
    const others = this.#order.filter((_, index) => index !== at);
    return { source: this.#dialled(source), others: others.map((each) => this.#dialled(each)) };
  }

  /** A signal that aborts when other nodes or authorities are in force, as a Go peer leaves its orderer then. */
  watch(): Disposable & { readonly signal: AbortSignal } {
    const { channel } = this.#parts;
    const moved = new AbortController();
    const before = fingerprintOf(channel.bundle().ordererEndpoints);
    const listening = channel.onConfigured(() => {
      if (fingerprintOf(channel.bundle().ordererEndpoints) !== before)
        moved.abort(new SelvageError('CANCELLED', 'the configuration names other ordering nodes'));
    });
    return { signal: moved.signal, [Symbol.dispose]: () => listening[Symbol.dispose]() };
  }

  #dialled(endpoint: OrdererEndpoint): DialOptions {
    const { overrides, tls, connectMs } = this.#parts;
    const override = overrides.get(endpoint.address);
    const roots = override?.tlsRoots ?? endpoint.tlsRoots;
    const clientTls: ClientTls | undefined = tls && { roots, ...tls };
    return { address: override?.address ?? endpoint.address, tls: clientTls, dialTimeoutMs: connectMs };
  }
}

const fingerprintOf = (endpoints: readonly OrdererEndpoint[]): string =>
  endpoints.map(({ address, tlsRoots }) => [address, ...tlsRoots.map((root) => Buffer.from(root).toString('base64'))].join(' ')).join('\n');
