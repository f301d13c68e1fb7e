import { hex } from '../../src/common/bytes.ts';
import type { Cancellable } from '../../src/common/cancel.ts';
import { SelvageError } from '../../src/common/errors.ts';
import type { Destination, Links, Neighbour } from '../../src/gossip/links.ts';
import { readEnvelope } from '../../src/gossip/wire/envelope.ts';
import { handshakeEnvelope } from '../../src/gossip/wire/handshake.ts';
import { pkiIdOf } from '../../src/gossip/wire/ids.ts';
import type { Signer } from '../../src/msp/identity.ts';

export interface MemoryPeerSpec {
  readonly signer: Signer;
  /** `host:port`s where it is reached. */
  readonly endpoints: readonly string[];
  /** Looks at who is at the other end, as an identity store does; refuses by throwing. */
  readonly admits?: (neighbour: Neighbour) => Promise<void> | void;
}

/** How many lossy messages wait for one listener before further ones are dropped, as by the default of `peer.gossip.sendBuffSize`. */
const MOST_WAITING = 20;

/** Peers of one process that reach each other by their endpoints. */
export class MemoryNetwork {
  readonly #peers = new Map<string, MemoryLinks>();
  readonly #cut = new Set<string>();
  #inProgress = 0;
  #idle: (() => void)[] = [];
  /** All envelopes that were sent, those that were dropped too. */
  sent = 0;
  /** Of these, the ones for which there was no room. */
  dropped = 0;

  async join(spec: MemoryPeerSpec): Promise<MemoryLinks> {
    const links = await MemoryLinks.of(this, spec);
    for (const endpoint of spec.endpoints) this.#peers.set(endpoint, links);
    return links;
  }

  /** Takes a peer off the net: its streams end, and nobody reaches it. It may join again. */
  leave(links: MemoryLinks): void {
    for (const [endpoint, each] of this.#peers) if (each === links) this.#peers.delete(endpoint);
    links.closeAll();
  }

  /** Ends and prevents streams between two peers, until {@link mend}. */
  cut(a: MemoryLinks, b: MemoryLinks): void {
    this.#cut.add(pair(a, b));
    a.close(b.self.pkiId);
  }

  mend(a: MemoryLinks, b: MemoryLinks): void {
    this.#cut.delete(pair(a, b));
  }

  /** Resolves when every envelope that was sent has been listened to. */
  async idle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#inProgress > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Who answers at an endpoint, as far as `from` reaches it. */
  at(endpoint: string, from: MemoryLinks): MemoryLinks {
    const found = this.#peers.get(endpoint);
    if (found === undefined || this.#cut.has(pair(found, from))) throw new SelvageError('PEER_UNREACHABLE', `cannot reach ${endpoint}`);
    return found;
  }

  async during(work: Promise<void>): Promise<void> {
    this.#inProgress += 1;
    try {
      await work;
    } finally {
      this.#inProgress -= 1;
      if (this.#inProgress === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}

const pair = (a: MemoryLinks, b: MemoryLinks): string => [hex(a.self.pkiId), hex(b.self.pkiId)].sort().join();

type Listener = (from: Neighbour, envelope: Uint8Array) => Promise<void> | void;

/** What one peer has of another: the other's face, and what waits for the other's listener. */
interface Stream {
  readonly other: MemoryLinks;
  last: Promise<void>;
  waiting: number;
}

/** Streams to other peers of the same process. */
export class MemoryLinks implements Links {
  readonly #network: MemoryNetwork;
  readonly #admits: MemoryPeerSpec['admits'];
  readonly #streams = new Map<string, Stream>();
  readonly #dialling = new Map<string, Promise<Stream>>();
  readonly #listeners = new Set<Listener>();
  readonly #lost = new Set<(pkiId: Uint8Array) => void>();
  readonly self: Neighbour;

  private constructor(network: MemoryNetwork, self: Neighbour, admits: MemoryPeerSpec['admits']) {
    this.#network = network;
    this.self = self;
    this.#admits = admits;
  }

  static async of(network: MemoryNetwork, { signer, admits }: MemoryPeerSpec): Promise<MemoryLinks> {
    const handshake = readEnvelope(await handshakeEnvelope(signer, { tlsCertHash: new Uint8Array(), probe: false })).signed;
    const self = { pkiId: pkiIdOf(signer.serialized), mspId: signer.mspId, identity: signer.serialized, handshake };
    return new MemoryLinks(network, self, admits);
  }

  /** Peers that there are streams to. */
  get neighbours(): readonly Neighbour[] {
    return [...this.#streams.values()].map(({ other }) => other.self);
  }

  async send(to: Destination, envelope: Uint8Array, { lossy, signal }: { readonly lossy: boolean } & Cancellable): Promise<void> {
    signal.throwIfAborted();
    try {
      this.#give(await this.#streamTo(to), envelope, lossy);
    } catch (thrown) {
      for (const listener of this.#lost) listener(to.pkiId);
      throw thrown;
    }
  }

  async reply(to: Neighbour, envelope: Uint8Array): Promise<void> {
    const stream = this.#streams.get(hex(to.pkiId));
    if (stream !== undefined) this.#give(stream, envelope, false);
  }

  async probe(endpoint: string, { signal }: Cancellable): Promise<Neighbour> {
    signal.throwIfAborted();
    const other = this.#network.at(endpoint, this);
    await this.#meet(other);
    return other.self;
  }

  async ping(endpoint: string, { signal }: Cancellable): Promise<boolean> {
    signal.throwIfAborted();
    try {
      return this.#network.at(endpoint, this) !== undefined;
    } catch {
      return false;
    }
  }

  close(pkiId: Uint8Array): void {
    const stream = this.#drop(pkiId);
    if (stream !== undefined) stream.other.#drop(this.self.pkiId);
  }

  closeAll(): void {
    for (const { other } of [...this.#streams.values()]) this.close(other.self.pkiId);
  }

  onEnvelope(listener: Listener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  onLost(listener: (pkiId: Uint8Array) => void): Disposable {
    this.#lost.add(listener);
    return { [Symbol.dispose]: () => void this.#lost.delete(listener) };
  }

  #streamTo({ pkiId, endpoint }: Destination): Promise<Stream> | Stream {
    const key = hex(pkiId);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const dial = this.#dialling.get(key) ?? this.#dial(endpoint, key).finally(() => this.#dialling.delete(key));
    this.#dialling.set(key, dial);
    return dial;
  }

  async #dial(endpoint: string, expected: string): Promise<Stream> {
    const other = this.#network.at(endpoint, this);
    await this.#meet(other);
    if (hex(other.self.pkiId) !== expected) throw new SelvageError('PEER_UNREACHABLE', `another peer answers at ${endpoint}`);
    other.#streams.set(hex(this.self.pkiId), { other: this, last: Promise.resolve(), waiting: 0 });
    const stream: Stream = { other, last: Promise.resolve(), waiting: 0 };
    this.#streams.set(expected, stream);
    return stream;
  }

  /** The handshake: each looks at the other. */
  async #meet(other: MemoryLinks): Promise<void> {
    await other.#admits?.(this.self);
    await this.#admits?.(other.self);
  }

  #drop(pkiId: Uint8Array): Stream | undefined {
    const stream = this.#streams.get(hex(pkiId));
    if (stream === undefined) return undefined;
    this.#streams.delete(hex(pkiId));
    for (const listener of this.#lost) listener(pkiId);
    return stream;
  }

  #give(stream: Stream, envelope: Uint8Array, lossy: boolean): void {
    this.#network.sent += 1;
    if (lossy && stream.waiting >= MOST_WAITING) {
      this.#network.dropped += 1;
      return;
    }
    const copy = new Uint8Array(envelope);
    stream.waiting += 1;
    stream.last = stream.last.then(async () => {
      for (const listener of stream.other.#listeners) await listener(this.self, copy);
      stream.waiting -= 1;
    });
    void this.#network.during(stream.last);
  }
}
