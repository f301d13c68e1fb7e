import { setMaxListeners } from 'node:events';
import type { ByteStream, CallContext } from '../../comm/method.ts';
import { equalBytes, hex } from '../../common/bytes.ts';
import { type Cancellable, orAbort } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { Metrics } from '../../common/metrics.ts';
import { Refusals } from '../../common/refusals.ts';
import type { Timers } from '../../common/timers.ts';
import type { Signer } from '../../msp/identity.ts';
import type { IdentityStore } from '../identities/identity-store.ts';
import type { Destination, Links, Neighbour } from '../links.ts';
import { Dialler, type DialTls } from './dialler.ts';
import { Handshake } from './handshake.ts';
import { LINK_LIMITS, type LinkLimits } from './limits.ts';
import { Link, type LinkCounters, type OpenStream } from './link.ts';
import { LinkTable } from './link-table.ts';
import { Reception } from './reception.ts';

/** `peer.gossip.*` */
export interface LinkSettings {
  readonly dialTimeoutMs: number;
  readonly connTimeoutMs: number;
  /** Messages that wait for one peer. */
  readonly sendBufferSize: number;
}

/** What this peer shows in TLS, on each side of it. */
export interface PeerLinksTls extends DialTls {
  /** DER of the certificate that who dials this peer sees. */
  readonly showsAsServer: Uint8Array;
}

export interface PeerLinksParts {
  readonly signer: Signer;
  readonly identities: IdentityStore;
  /** Undefined where the operator switched TLS off: nothing then binds a stream to who opened it. */
  readonly tls: PeerLinksTls | undefined;
  readonly settings: LinkSettings;
  readonly limits?: Partial<LinkLimits>;
  readonly timers: Timers;
  readonly log: Logger;
  readonly metrics: Metrics;
}

type EnvelopeListener = (from: Neighbour, envelope: Uint8Array) => Promise<void> | void;

/**
 * Streams to other peers over gRPC: those that came, and those that this peer dialled.
 * @see hyperledger/fabric v2.5, gossip/comm
 */
export class PeerLinks implements Links, Disposable {
  readonly #parts: PeerLinksParts;
  readonly #limits: LinkLimits;
  readonly #counters: LinkCounters;
  readonly #dialler: Dialler;
  readonly #table: LinkTable;
  readonly #reception: Reception;
  readonly #dialling = new Map<string, Promise<Link>>();
  readonly #heard = new Set<EnvelopeListener>();
  readonly #lost = new Set<(pkiId: Uint8Array) => void>();
  readonly #unforeseen: Refusals;
  readonly #over = new AbortController();
  readonly #removals: Disposable;

  constructor(parts: PeerLinksParts) {
    const { identities, timers, settings, tls, log } = parts;
    const { dialTimeoutMs, connTimeoutMs } = settings;
    this.#parts = parts;
    this.#limits = { ...LINK_LIMITS, waiting: settings.sendBufferSize, ...parts.limits };
    this.#counters = countersOf(parts.metrics);
    const handshake = new Handshake({ ...parts, tls: tls !== undefined, timeoutMs: connTimeoutMs });
    this.#dialler = new Dialler({ handshake, tls, dialTimeoutMs, connTimeoutMs });
    this.#table = new LinkTable(identities.self.pkiId, timers);
    this.#reception = new Reception({
      self: identities.self.pkiId,
      handshake,
      table: this.#table,
      limits: this.#limits,
      shows: tls?.showsAsServer,
      over: this.#over.signal,
      log,
    });
    this.#unforeseen = new Refusals(log, 'a gossip message failed in a way nobody foresaw', { level: 'error' });
    setMaxListeners(0, this.#over.signal); // every dial and probe that is under way listens
    this.#removals = identities.onRemoved(({ pkiId }) => this.close(pkiId));
  }

  /** Peers that there are streams to. */
  get neighbours(): readonly Neighbour[] {
    return this.#table.list().map(({ neighbour }) => neighbour);
  }

  /** Streams that have not proven yet who they are. */
  get strangers(): number {
    return this.#reception.strangers;
  }

  /** Serves a stream that somebody opened, for as long as it lives. @throws {SelvageError} `GOSSIP_REFUSED`, `OVERLOADED` */
  async accept(stream: ByteStream, context: CallContext): Promise<void> {
    const open = await this.#reception.admit(stream, context);
    if (open === undefined) return;
    const link = this.#linkOf(open);
    const ended = (): void => link.close('the call is over');
    context.signal.addEventListener('abort', ended, { once: true });
    if (context.signal.aborted) ended();
    this.#table.add(link);
    const why = await this.#serve(link);
    context.signal.removeEventListener('abort', ended);
    if (why.code === 'GOSSIP_REFUSED') throw why;
  }

  async send(to: Destination, envelope: Uint8Array, { lossy, signal }: { readonly lossy: boolean } & Cancellable): Promise<void> {
    signal.throwIfAborted();
    const link = this.#table.get(to.pkiId) ?? (await orAbort(this.#dial(to), signal));
    if (!lossy) await orAbort(link.put(envelope), signal);
    else if (!link.offer(envelope)) this.#parts.log.debug('a message was dropped: too many wait', { pkiId: hex(to.pkiId) });
  }

  async reply(to: Neighbour, envelope: Uint8Array): Promise<void> {
    try {
      await this.#table.get(to.pkiId)?.put(envelope);
    } catch (thrown) {
      if (!(thrown instanceof SelvageError)) throw thrown; // else the stream is over, and who asked is gone
    }
  }

  probe(endpoint: string, { signal }: Cancellable): Promise<Neighbour> {
    return this.#whileRunning(signal, (both) => this.#dialler.probe(endpoint, { signal: both }));
  }

  ping(endpoint: string, { signal }: Cancellable): Promise<boolean> {
    return this.#whileRunning(signal, (both) => this.#dialler.ping(endpoint, { signal: both }));
  }

  close(pkiId: Uint8Array): void {
    for (const link of this.#table.all(pkiId)) link.close('it was closed');
  }

  onEnvelope(listener: EnvelopeListener): Disposable {
    this.#heard.add(listener);
    return { [Symbol.dispose]: () => void this.#heard.delete(listener) };
  }

  onLost(listener: (pkiId: Uint8Array) => void): Disposable {
    this.#lost.add(listener);
    return { [Symbol.dispose]: () => void this.#lost.delete(listener) };
  }

  [Symbol.dispose](): void {
    this.#over.abort(new SelvageError('CANCELLED', 'the peer is stopping'));
    this.#removals[Symbol.dispose]();
    for (const link of this.#table.list()) link.close('the peer is stopping');
  }

  #linkOf(open: OpenStream): Link {
    return new Link(open, { limits: this.#limits, timers: this.#parts.timers, counters: this.#counters });
  }

  /** @returns why it is over */
  async #serve(link: Link): Promise<SelvageError> {
    const { neighbour } = link;
    const why = await link.run((envelope) => this.#hear(neighbour, envelope));
    this.#parts.log.debug('a stream to a peer ended', { pkiId: hex(neighbour.pkiId), why: why.message });
    if (this.#table.remove(link) && !this.#over.signal.aborted) this.#tellLost(neighbour.pkiId);
    return why;
  }

  async #hear(from: Neighbour, envelope: Uint8Array): Promise<void> {
    for (const listener of this.#heard) {
      try {
        await listener(from, envelope);
      } catch (cause) {
        this.#unforeseen.note({ pkiId: hex(from.pkiId), cause });
      }
    }
  }

  /** A stream to a peer that has none; who else wants one at the same time waits for the same. */
  #dial(to: Destination): Promise<Link> {
    const key = hex(to.pkiId);
    const running = this.#dialling.get(key);
    if (running !== undefined) return running;
    const dial = this.#makeLink(to)
      .catch((thrown: unknown) => {
        this.#tellLost(to.pkiId);
        throw thrown;
      })
      .finally(() => this.#dialling.delete(key));
    this.#dialling.set(key, dial);
    return dial;
  }

  async #makeLink({ pkiId, endpoint }: Destination): Promise<Link> {
    const noneYet = (): boolean => this.#table.get(pkiId) === undefined;
    const open = await this.#dialler.dial(endpoint, noneYet, this.#over);
    if (open === undefined) return this.#table.get(pkiId) ?? this.#makeLink({ pkiId, endpoint });
    if (this.#over.signal.aborted) {
      open.hangUp();
      throw this.#over.signal.reason;
    }
    this.#checkExpected(open, { pkiId, endpoint });
    const link = this.#linkOf(open);
    this.#table.add(link);
    void this.#serve(link);
    if (equalBytes(open.neighbour.pkiId, pkiId)) return link;
    throw new SelvageError('PEER_UNREACHABLE', `the peer at ${endpoint} has another identity now`, { details: { address: endpoint } });
  }

  /** Another peer than expected: of the same organisation it has taken the other's place; of another one it has no business there. */
  #checkExpected({ neighbour, hangUp }: OpenStream, { pkiId, endpoint }: Destination): void {
    if (equalBytes(neighbour.pkiId, pkiId)) return;
    const { identities, log } = this.#parts;
    const [expected, got] = [hex(pkiId), hex(neighbour.pkiId)];
    const own = equalBytes(neighbour.pkiId, identities.self.pkiId);
    if (own || identities.organizationOf(pkiId) !== neighbour.mspId) {
      hangUp();
      log.warn('Remote endpoint claims to be a different peer', { endpoint, expected, got });
      throw new SelvageError('PEER_UNREACHABLE', `authentication failure: another peer answers at ${endpoint}`, {
        details: { address: endpoint },
      });
    }
    log.info(`Peer ${endpoint} changed its PKI-ID from ${expected} to ${got}`);
    identities.remove(pkiId);
  }

  #tellLost(pkiId: Uint8Array): void {
    for (const listener of this.#lost) listener(pkiId);
  }

  /** Work that the caller, or the end of this peer, may call off. */
  async #whileRunning<T>(signal: AbortSignal, work: (both: AbortSignal) => Promise<T>): Promise<T> {
    const both = new AbortController();
    const sources = [signal, this.#over.signal];
    const stops = sources.map((source) => {
      const stop = (): void => both.abort(source.reason);
      source.addEventListener('abort', stop, { once: true });
      if (source.aborted) stop();
      return () => source.removeEventListener('abort', stop);
    });
    try {
      return await work(both.signal);
    } finally {
      for (const stop of stops) stop();
    }
  }
}

/** @see hyperledger/fabric v2.5, gossip/metrics/metrics.go */
const countersOf = (metrics: Metrics): LinkCounters => ({
  sent: metrics.counter('gossip_comm_messages_sent', 'Gossip messages that other peers were sent'),
  received: metrics.counter('gossip_comm_messages_received', 'Gossip messages of other peers'),
  overflow: metrics.counter('gossip_comm_overflow_count', 'Gossip messages that were dropped because too many waited for their peer'),
});
