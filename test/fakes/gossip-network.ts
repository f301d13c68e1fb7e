/** Peers that gossip in one process, with real certificates and signatures, and a clock that tests let run. */
import { type Logger, silent } from '../../src/common/log.ts';
import { type Metrics, unmeasured } from '../../src/common/metrics.ts';
import { Scope } from '../../src/common/scope.ts';
import { type OwnChannel, OwnChannels } from '../../src/gossip/channels/own-channels.ts';
import type { NamedChaincode } from '../../src/gossip/channels/own-state-info.ts';
import { Gossip } from '../../src/gossip/gossip.ts';
import { IdentityAuthority } from '../../src/gossip/identities/identity-authority.ts';
import { IdentityStore } from '../../src/gossip/identities/identity-store.ts';
import { nanosecondsOf } from '../../src/gossip/membership/incarnation.ts';
import { type OwnPeer, ownPeer } from '../../src/gossip/own-peer.ts';
import type { ChannelMember, Member } from '../../src/gossip/peers.ts';
import type { GossipSettings } from '../../src/gossip/settings.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import type { Organization } from '../../src/msp/material/organization.ts';
import type { Msp } from '../../src/msp/msp.ts';
import { added, type FakeChannel } from './fake-channel.ts';
import { FakeTimers } from './fake-timers.ts';
import { localMspOf, peerSigner } from './gossip-peers.ts';
import { type MemoryLinks, MemoryNetwork } from './memory-links.ts';

/** As Fabric's defaults are, and those of `peer.gossip`, which gossip-config.test.ts sees to. */
export const SETTINGS: GossipSettings = {
  aliveIntervalMs: 5_000,
  aliveExpirationMs: 25_000,
  reconnectMs: 25_000,
  expirationFactor: 20,
  connectionAttempts: 120,
  publishIdentityMs: 10_000,
  pullIntervalMs: 4_000,
  pullPeers: 3,
  digestWaitMs: 1_000,
  requestWaitMs: 1_500,
  responseWaitMs: 2_000,
  publishStateInfoMs: 4_000,
  requestStateInfoMs: 4_000,
  membershipTrackerMs: 5_000,
  propagatePeers: 3,
  propagateIterations: 1,
  burstLatencyMs: 10,
  burstSize: 10,
};

export interface GossipPeerSpec {
  /** Where everybody reaches it; its own endpoint by default, '' for nowhere. */
  readonly endpoint?: string;
  readonly bootstrap?: readonly string[];
  readonly channels?: readonly FakeChannel[];
  readonly incarnation?: bigint;
  readonly log?: Logger;
  readonly metrics?: Metrics;
  readonly settings?: Partial<GossipSettings>;
}

/** Endpoint of an organisation's n-th peer inside its organisation. */
export const endpointOf = (org: Organization, at: number): string => `peer${at}.${org.domain}:7051`;

export class GossipNetwork implements AsyncDisposable {
  readonly network = new MemoryNetwork();
  readonly timers = new FakeTimers({ settled: () => this.network.idle() });
  readonly #msps = new Map<string, Msp>();
  readonly #scope = new Scope();
  readonly random: () => number;

  constructor(seed = 1) {
    this.random = seededRandom(seed);
  }

  /** Starts an organisation's n-th peer. */
  async start(org: Organization, at: number, spec: GossipPeerSpec = {}): Promise<GossipPeer> {
    const msp = this.#msps.get(org.mspId) ?? localMspOf(org);
    this.#msps.set(org.mspId, msp);
    const peer = await GossipPeer.start(this, org, at, { msp, spec });
    this.#scope.use(peer);
    return peer;
  }

  /** Lets time pass. */
  async seconds(seconds: number): Promise<void> {
    await this.timers.advance(seconds * 1_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }
}

/** One of them. */
export class GossipPeer implements AsyncDisposable {
  readonly name: string;
  readonly own: OwnPeer;
  readonly links: MemoryLinks;
  readonly identities: IdentityStore;
  readonly gossip: Gossip;
  readonly #scope: Scope;
  readonly #joined: Set<(channel: OwnChannel) => void>;
  readonly #channels: FakeChannel[];
  readonly #network: GossipNetwork;
  readonly #endorsable: { chaincodes: readonly NamedChaincode[]; readonly changed: Set<(channelId: string | undefined) => void> };

  private constructor(parts: {
    name: string;
    own: OwnPeer;
    links: MemoryLinks;
    identities: IdentityStore;
    gossip: Gossip;
    scope: Scope;
    joined: Set<(channel: OwnChannel) => void>;
    channels: FakeChannel[];
    network: GossipNetwork;
    endorsable: { chaincodes: readonly NamedChaincode[]; readonly changed: Set<(channelId: string | undefined) => void> };
  }) {
    this.name = parts.name;
    this.own = parts.own;
    this.links = parts.links;
    this.identities = parts.identities;
    this.gossip = parts.gossip;
    this.#scope = parts.scope;
    this.#joined = parts.joined;
    this.#channels = parts.channels;
    this.#network = parts.network;
    this.#endorsable = parts.endorsable;
  }

  static async start(
    network: GossipNetwork,
    org: Organization,
    at: number,
    { msp, spec }: { readonly msp: Msp; readonly spec: GossipPeerSpec },
  ): Promise<GossipPeer> {
    const { timers } = network;
    const scope = new Scope();
    const internalEndpoint = endpointOf(org, at);
    const { endpoint = internalEndpoint, bootstrap = [], log = silent, metrics = unmeasured, incarnation } = spec;
    const channels = [...(spec.channels ?? [])];
    const signer = peerSigner(org, at);
    const own = ownPeer({ signer, endpoint, internalEndpoint, incarnation: incarnation ?? nanosecondsOf(timers.now()) });
    const bundles = (): ChannelBundle[] => channels.map((channel) => channel.bundle());
    const authority = new IdentityAuthority({ local: msp, bundles });
    const identities = scope.use(new IdentityStore({ authority, self: signer.serialized, timers }));
    const admits = ({ pkiId, identity }: { readonly pkiId: Uint8Array; readonly identity: Uint8Array }): void =>
      void identities.put(pkiId, identity);
    const links = await network.network.join({ signer, endpoints: [...new Set([internalEndpoint, endpoint])].filter(Boolean), admits });
    scope.defer(() => network.network.leave(links));
    const joined = new Set<(channel: OwnChannel) => void>();
    const endorsable = { chaincodes: [] as readonly NamedChaincode[], changed: new Set<(channelId: string | undefined) => void>() };
    const ownChannels = await OwnChannels.open({
      channels: { list: () => channels, onJoined: (listener) => added(joined, listener) },
      chaincodes: { on: async () => endorsable.chaincodes, onChanged: (listener) => added(endorsable.changed, listener) },
      peer: own,
      clock: timers,
      log,
    });
    scope.use(ownChannels);
    const settings = { ...SETTINGS, ...spec.settings };
    const { random } = network;
    const gossip = new Gossip({ peer: own, identities, links, channels: ownChannels, settings, bootstrap, timers, log, metrics, random });
    scope.use(gossip);
    gossip.start();
    return new GossipPeer({ name: internalEndpoint, own, links, identities, gossip, scope, joined, channels, network, endorsable });
  }

  get members(): readonly Member[] {
    return this.gossip.view.members();
  }

  /** Endpoints of the others that are alive, inside or else outside, sorted. */
  get others(): readonly string[] {
    return this.members
      .filter(({ self }) => !self)
      .map(({ internalEndpoint, endpoint }) => internalEndpoint ?? endpoint)
      .sort();
  }

  membersOf(channelId: string): readonly ChannelMember[] {
    return this.gossip.view.membersOf(channelId);
  }

  join(channel: FakeChannel): void {
    this.#channels.push(channel);
    for (const listener of this.#joined) listener(channel);
  }

  endorses(chaincodes: readonly NamedChaincode[]): void {
    this.#endorsable.chaincodes = chaincodes;
    for (const listener of this.#endorsable.changed) listener(undefined);
  }

  /** Without a word to anybody, as when the process is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#network.network.leave(this.links);
    await this.#scope[Symbol.asyncDispose]();
  }
}

/** The same numbers for the same seed. @see Mulberry32 */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
