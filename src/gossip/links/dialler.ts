import { ByteBudget } from '../../comm/byte-budget.ts';
import { GrpcClient } from '../../comm/client.ts';
import { MAX_MESSAGE_BYTES } from '../../comm/limits.ts';
import type { Pem } from '../../comm/tls.ts';
import { type Cancellable, Deadline } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Neighbour } from '../links.ts';
import type { Handshake } from './handshake.ts';
import { CLAIMANT_BYTES, PEER_BYTES } from './limits.ts';
import type { OpenStream } from './link.ts';

/** What this peer shows and whom it trusts when it dials. */
export interface DialTls {
  /** PEM. */
  readonly key: Pem;
  readonly cert: Pem;
  /** DER of the certificate in `cert`. */
  readonly shows: Uint8Array;
  /** PEM: authorities of the peers' certificates, as the channels' configurations say now. */
  readonly roots: () => readonly Pem[];
}

/** Bytes of what all who were dialled have sent and nobody has looked at yet: five of the largest messages, as of those who dial this peer. */
const MOST_HELD = 5 * MAX_MESSAGE_BYTES;

export interface DiallerParts {
  readonly handshake: Handshake;
  readonly tls: DialTls | undefined;
  /** Milliseconds until a connection stands. */
  readonly dialTimeoutMs: number;
  /** Milliseconds that the other side has for an answer. */
  readonly connTimeoutMs: number;
}

const PING = '/gossip.Gossip/Ping';
const STREAM = '/gossip.Gossip/GossipStream';
const EMPTY = new Uint8Array(0);

/** How long a deep probe may take after the ping, in milliseconds. @see handshakeTimeout in hyperledger/fabric v2.5, gossip/comm/comm_impl.go */
const PROBE_MS = 10_000;

/** Makes streams to other peers: connects, pings, opens the stream, shakes hands. */
export class Dialler {
  readonly #parts: DiallerParts;
  readonly #budget = new ByteBudget({ perConnection: Number.POSITIVE_INFINITY, total: MOST_HELD });

  constructor(parts: DiallerParts) {
    this.#parts = parts;
  }

  /**
   * A stream to whoever answers at an endpoint.
   * @param stillWanted is asked before the other side hears of the stream
   * @returns undefined when it was not wanted any more
   * @throws {SelvageError} `PEER_UNREACHABLE`, `REFUSED_BY_PEER`, `GOSSIP_REFUSED`
   */
  async dial(endpoint: string, stillWanted: () => boolean, { signal }: Cancellable): Promise<OpenStream | undefined> {
    const client = await this.#reach(endpoint, signal);
    if (!stillWanted()) {
      client[Symbol.dispose]();
      return undefined;
    }
    return this.#open(client, { signal, probe: false });
  }

  /** Who answers at an endpoint; the stream is over when this resolves. @throws {SelvageError} as {@link dial} */
  async probe(endpoint: string, { signal }: Cancellable): Promise<Neighbour> {
    const client = await this.#reach(endpoint, signal);
    using deadline = new Deadline(PROBE_MS, `${endpoint} took too long to say who it is`, signal);
    const { neighbour, hangUp } = await this.#open(client, { signal: deadline.signal, probe: true });
    hangUp();
    return neighbour;
  }

  /** Whether something answers a ping there. */
  async ping(endpoint: string, { signal }: Cancellable): Promise<boolean> {
    try {
      (await this.#reach(endpoint, signal))[Symbol.dispose]();
      return true;
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof SelvageError) return false;
      throw thrown;
    }
  }

  /** A client whose other end has answered a ping. Who gets it must dispose it. */
  async #reach(endpoint: string, signal: AbortSignal): Promise<GrpcClient> {
    signal.throwIfAborted();
    const { dialTimeoutMs, connTimeoutMs } = this.#parts;
    const client = new GrpcClient({ address: endpoint, tls: this.#tls() });
    try {
      using deadline = new Deadline(dialTimeoutMs + connTimeoutMs, `${endpoint} did not answer in time`, signal);
      await client.unary(PING, EMPTY, { signal: deadline.signal });
      return client;
    } catch (thrown) {
      client[Symbol.dispose]();
      signal.throwIfAborted();
      throw unreachable(endpoint, thrown);
    }
  }

  #tls() {
    const { tls } = this.#parts;
    return tls && { key: tls.key, cert: tls.cert, roots: tls.roots() };
  }

  async #open(client: GrpcClient, { signal, probe }: { readonly probe: boolean } & Cancellable): Promise<OpenStream> {
    const ended = new AbortController(); // the signal is about the handshake, not about the stream that comes of it
    const give = (): void => ended.abort(signal.reason);
    signal.addEventListener('abort', give, { once: true });
    if (signal.aborted) give();
    const end = (): void => ended.abort(new SelvageError('PEER_UNREACHABLE', `${client.address} sends more than may be held of it`));
    const holding = this.#budget.open({}, end, CLAIMANT_BYTES);
    const stream = client.bidi(STREAM, { signal: ended.signal, counting: holding });
    const hangUp = (): void => {
      holding[Symbol.dispose]();
      stream[Symbol.dispose]();
      client[Symbol.dispose]();
    };
    const incoming = stream.incoming[Symbol.asyncIterator]();
    const send = async (envelope: Uint8Array): Promise<void> => stream.send(envelope);
    try {
      const { neighbour } = await this.#parts.handshake.dial({
        remote: client.address,
        incoming,
        send,
        shows: this.#parts.tls?.shows,
        shown: () => stream.peerCertificate,
        probe,
      });
      holding.allow(PEER_BYTES);
      return { neighbour, dialled: true, incoming, send, hangUp };
    } catch (thrown) {
      hangUp();
      throw thrown;
    } finally {
      signal.removeEventListener('abort', give);
    }
  }
}

/** A peer that is starting, or is none at all, is as good as not there. */
const unreachable = (endpoint: string, cause: unknown): SelvageError => {
  const error = SelvageError.from(cause);
  return error.code === 'PEER_UNREACHABLE' || error.code === 'SETTING_INVALID'
    ? error
    : new SelvageError('PEER_UNREACHABLE', `cannot reach ${endpoint}: ${error.message}`, { cause, details: { address: endpoint } });
};
