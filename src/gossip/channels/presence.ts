import { hex, textOf } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { LruCache } from '../../common/lru.ts';
import { Scope } from '../../common/scope.ts';
import type { gossip } from '../../protos/messages.ts';
import type { IdentityStore } from '../identities/identity-store.ts';
import type { Neighbour } from '../links.ts';
import { isNewer, type Timestamp } from '../membership/timestamp.ts';
import type { ReceivedMessage } from '../wire/envelope.ts';
import { ChannelPresence, type PresenceParts } from './channel-presence.ts';
import type { OwnChannel, OwnChannels } from './own-channels.ts';
import { type StateInfo, stateInfoIn } from './state-info.ts';

export interface PresencesParts extends Omit<PresenceParts, 'identities'> {
  readonly channels: OwnChannels;
  readonly identities: IdentityStore;
}

/** State infos of channels that this peer is not in, of which it is remembered that they were passed on. */
const MOST_STRANGE = 2_000;

/** Who takes part in the channels of this peer. */
export class Presences implements AsyncDisposable {
  readonly #parts: PresencesParts;
  readonly #scope = new Scope();
  readonly #presences = new Map<string, ChannelPresence>();
  readonly #strange = new LruCache<string, Timestamp>(MOST_STRANGE);
  #configuring: Promise<void> = Promise.resolve();

  constructor(parts: PresencesParts) {
    this.#parts = parts;
  }

  start(): void {
    const { channels } = this.#parts;
    this.#scope.use(channels.onConfigured((channel) => this.#configure(channel)));
    this.#scope.use(channels.onEndorsable((channelId) => this.#presences.get(channelId)?.publish()));
    for (const channel of channels.list()) this.#configure(channel);
  }

  get(channelId: string): ChannelPresence | undefined {
    return this.#presences.get(channelId);
  }

  list(): readonly ChannelPresence[] {
    return [...this.#presences.values()];
  }

  forget(pkiId: Uint8Array): void {
    for (const presence of this.#presences.values()) presence.forget(pkiId);
  }

  async handleStateInfo(from: Neighbour, received: ReceivedMessage): Promise<void> {
    const info = stateInfoIn(received);
    if (info === undefined) return;
    const presence = this.#namedBy(info.mac, info.pkiId);
    if (presence !== undefined) await presence.handleStateInfo(from, info);
    else if (from.mspId === this.#parts.peer.mspId) await this.#passOnStrange(from, info);
  }

  handleRequest(from: Neighbour, { channelMAC }: gossip.StateInfoPullRequest): void {
    this.#namedBy(channelMAC, from.pkiId)?.handleRequest(from);
  }

  async handleSnapshot(from: Neighbour, { channel, stateSnapshot }: gossip.GossipMessage): Promise<void> {
    if (stateSnapshot !== undefined) await this.#presences.get(textOf(channel))?.handleSnapshot(from, stateSnapshot);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    await this.#configuring;
  }

  #namedBy(mac: Uint8Array, pkiId: Uint8Array): ChannelPresence | undefined {
    return this.list().find((presence) => presence.isNamedBy(mac, pkiId));
  }

  #configure(channel: OwnChannel): void {
    const own = this.#parts.channels.stateOf(channel.id);
    const known = this.#presences.get(channel.id);
    if (known !== undefined) {
      this.#configuring = this.#configuring.then(() => known.configure());
      return;
    }
    if (own === undefined) return;
    const presence = this.#scope.use(new ChannelPresence(channel, own, this.#parts));
    this.#presences.set(channel.id, presence);
    presence.start();
  }

  /** Of a channel that this peer is not in: peers of its own organisation may be, and nobody else would tell them. */
  async #passOnStrange(from: Neighbour, { key, mac, pkiId, timestamp, received }: StateInfo): Promise<void> {
    const { identities, propagation, peer, work } = this.#parts;
    const name = `${key} ${hex(mac)}`;
    if (!isNewer(timestamp, this.#strange.get(name)) || !work.take(hex(from.pkiId))) return;
    try {
      await identities.verify(pkiId, received);
    } catch (thrown) {
      if (thrown instanceof SelvageError) return;
      throw thrown;
    }
    if (!isNewer(timestamp, this.#strange.get(name))) return;
    this.#strange.set(name, timestamp);
    const { envelope } = received;
    propagation.add({ envelope, public: envelope, mayHear: ({ mspId }) => mspId === peer.mspId, from: from.pkiId });
  }
}
