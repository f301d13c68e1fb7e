import { equalBytes, hex, utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { every, type Timers } from '../../common/timers.ts';
import { gossip } from '../../protos/messages.ts';
import type { IdentityStore, KnownIdentity } from '../identities/identity-store.ts';
import type { Neighbour } from '../links.ts';
import { type KnownMember, type MemberTable, preferredEndpoint } from '../membership/member-table.ts';
import { isNewer } from '../membership/timestamp.ts';
import type { OwnPeer } from '../own-peer.ts';
import type { Outbox } from '../propagation/outbox.ts';
import type { Propagation } from '../propagation/propagation.ts';
import { type Random, randomChoice } from '../propagation/random-choice.ts';
import { TokenBucket } from '../propagation/token-bucket.ts';
import type { TokenBuckets } from '../propagation/token-buckets.ts';
import type { GossipSettings } from '../settings.ts';
import { unsignedEnvelope } from '../wire/envelope.ts';
import { channelMac } from '../wire/ids.ts';
import type { OwnChannel } from './own-channels.ts';
import type { OwnStateInfo } from './own-state-info.ts';
import { isTooLarge, keptStateInfo, nestedStateInfo, type StateInfo } from './state-info.ts';
import { StateInfos } from './state-infos.ts';

export interface PresenceParts {
  readonly peer: OwnPeer;
  readonly identities: Pick<IdentityStore, 'get' | 'organizationOf'>;
  readonly table: MemberTable;
  readonly outbox: Outbox;
  readonly propagation: Propagation;
  readonly work: TokenBuckets;
  /** How much each neighbour may have read here of what others said. */
  readonly reading: TokenBuckets;
  readonly timers: Timers;
  readonly settings: GossipSettings;
  readonly random: Random;
  readonly log: Logger;
  /** Somebody joined, left, or said something else of itself. */
  readonly onChanged: () => void;
}

const READERS = '/Channel/Application/Readers';

/** What one snapshot is read for. */
const MOST_ELEMENTS = 10_000;

/** As of heartbeats: what is not passed on is learnt by asking. */
const PASSED_ON = { perSecond: 4, burst: 8 };

/**
 * Who takes part in one channel: what the peers of its organisations said last, as far as the channel's Readers include them. One entry
 * for each member at most.
 * @see hyperledger/fabric v2.5, gossip/gossip/channel/channel.go
 */
export class ChannelPresence implements Disposable {
  readonly #parts: PresenceParts;
  readonly #channel: OwnChannel;
  readonly #own: OwnStateInfo;
  readonly #infos = new StateInfos();
  readonly #passedOn: TokenBucket;
  readonly #timers: Disposable[] = [];
  #organizations: ReadonlySet<string>;
  /** Sequence of the own state info that was published last. */
  #published = 0n;
  #over = false;

  constructor(channel: OwnChannel, own: OwnStateInfo, parts: PresenceParts) {
    this.#channel = channel;
    this.#own = own;
    this.#parts = parts;
    this.#organizations = organizationsOf(channel);
    this.#passedOn = new TokenBucket(PASSED_ON, parts.timers);
  }

  get id(): string {
    return this.#channel.id;
  }

  /** Whether the organisation of this peer is in the channel. */
  get isMember(): boolean {
    return this.has(this.#parts.peer.mspId);
  }

  /** State infos that are kept. */
  get size(): number {
    return this.#infos.size;
  }

  start(): void {
    const { timers, settings } = this.#parts;
    this.#timers.push(
      every(timers, settings.publishStateInfoMs, () => this.#publishNews()),
      every(timers, settings.requestStateInfoMs, () => this.#ask()),
      every(timers, 5 * settings.pullIntervalMs, () => this.#sweep()),
    );
  }

  /** Whether an organisation is in the channel. */
  has(mspId: string | undefined): boolean {
    return mspId !== undefined && this.#organizations.has(mspId);
  }

  isNamedBy(mac: Uint8Array, pkiId: Uint8Array): boolean {
    return equalBytes(mac, channelMac(pkiId, this.id));
  }

  /** What a peer said last; undefined where it takes no part. */
  stateOf(member: KnownMember): StateInfo | undefined {
    const info = this.#infos.get(member.key);
    return info?.left === false ? info : undefined;
  }

  /** Another configuration is in force: whoever may not take part any more is forgotten. */
  async configure(): Promise<void> {
    const wasMember = this.isMember;
    this.#organizations = organizationsOf(this.#channel);
    this.#own.setLeft(!this.isMember);
    if (wasMember !== this.isMember) this.publish();
    for (const info of this.#infos.list()) {
      const { key } = info;
      const identity = this.#eligible(info);
      if (identity !== undefined && (await this.#isReader(info, identity))) continue;
      if (this.#infos.get(key) === info) this.#infos.delete(key);
    }
    this.#parts.onChanged();
  }

  forget(pkiId: Uint8Array): void {
    if (this.#infos.delete(hex(pkiId))) this.#parts.onChanged();
  }

  /** State info that came by itself: what is news is passed on. */
  async handleStateInfo(from: Neighbour, info: StateInfo): Promise<void> {
    if (!this.has(from.mspId) || !(await this.#learn(from, info)) || !this.#passedOn.take()) return;
    this.#parts.propagation.add(this.#rumour(info, from));
  }

  handleRequest(from: Neighbour): void {
    if (this.has(from.mspId)) this.#parts.outbox.answer(from, `snapshot ${this.id}`, () => this.#snapshot(from));
  }

  async handleSnapshot(from: Neighbour, { elements }: gossip.StateInfoSnapshot): Promise<void> {
    if (!this.has(from.mspId)) return;
    for (const element of elements.slice(0, MOST_ELEMENTS)) {
      if (!this.#parts.reading.take(hex(from.pkiId))) return;
      if (isTooLarge(element)) continue;
      const info = readable(element);
      // What comes after a bad one is not looked at either, as in Fabric.
      if (info === undefined || !this.isNamedBy(info.mac, info.pkiId)) return;
      if (this.#parts.table.get(info.pkiId) !== undefined) await this.#learn(from, info);
    }
  }

  /** Says now what this peer is in the channel, rather than within seconds. */
  publish(): void {
    const { table, propagation, peer } = this.#parts;
    if (this.#over || table.alive().length === 0) return;
    const { stateInfo, sequence } = this.#own.current();
    this.#published = sequence;
    const envelope = gossip.Envelope.encode(stateInfo);
    propagation.add({ envelope, public: envelope, mayHear: this.#audience(peer) });
  }

  [Symbol.dispose](): void {
    this.#over = true;
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }

  #publishNews(): void {
    if (this.isMember && this.#own.current().sequence !== this.#published) this.publish();
  }

  #ask(): void {
    const { table, settings, random, outbox, peer } = this.#parts;
    if (!this.isMember) return;
    const candidates = table.alive().filter(({ mspId }) => this.has(mspId));
    const request = unsignedEnvelope({
      tag: gossip.GossipMessage_Tag.CHAN_OR_ORG,
      stateInfoPullReq: { channelMAC: channelMac(peer.pkiId, this.id) },
    });
    for (const member of randomChoice(candidates, settings.pullPeers, random))
      outbox.send({ pkiId: member.pkiId, endpoint: preferredEndpoint(member) }, request);
  }

  /** Who is no member any more takes no part either. */
  #sweep(): void {
    let gone = false;
    for (const { key, pkiId } of this.#infos.list()) if (this.#parts.table.get(pkiId) === undefined) gone = this.#infos.delete(key) || gone;
    if (gone) this.#parts.onChanged();
  }

  /** Whether it was news, of somebody who may take part. */
  async #learn(from: Neighbour, info: StateInfo): Promise<boolean> {
    const { work, peer, onChanged } = this.#parts;
    if (info.key === hex(peer.pkiId) || !this.#isNews(info)) return false;
    const identity = this.#eligible(info);
    if (identity === undefined || !work.take(hex(from.pkiId))) return false;
    if (!(await this.#isReader(info, identity)) || !this.#isNews(info) || this.#over) return false;
    if (!this.#infos.set(keptStateInfo(info), identity.mspId)) {
      this.#parts.log.debug('no room for what a peer says of itself', { channel: this.id, pkiId: info.key, mspId: identity.mspId });
      return false;
    }
    onChanged();
    return true;
  }

  #isNews({ key, timestamp }: StateInfo): boolean {
    return isNewer(timestamp, this.#infos.get(key)?.timestamp);
  }

  /** Known, and of an organisation of the channel. */
  #eligible({ pkiId }: StateInfo): KnownIdentity | undefined {
    const identity = this.#parts.identities.get(pkiId);
    return this.has(identity?.mspId) ? identity : undefined;
  }

  async #isReader({ received, key }: StateInfo, { identity }: KnownIdentity): Promise<boolean> {
    const { payload: data, signature } = received.signed;
    const verdict = await this.#channel.bundle().policies.get(READERS).evaluate([{ data, identity, signature }]);
    if (!verdict.ok) this.#parts.log.debug(`Peer ${key} isn't eligible for channel ${this.id}`, { reason: verdict.reason.slice(0, 300) });
    return verdict.ok;
  }

  /** To the own organisation all; to another one, of ours only those that can be reached from outside. */
  #snapshot({ mspId }: Neighbour): Uint8Array {
    const { peer, table, identities } = this.#parts;
    const elements: gossip.EnvelopeInit[] = [];
    for (const { pkiId, received } of this.#infos.list()) {
      const hidden = mspId !== peer.mspId && identities.organizationOf(pkiId) === peer.mspId && (table.get(pkiId)?.endpoint ?? '') === '';
      if (!hidden) elements.push(received.signed);
    }
    if (this.isMember && (mspId === peer.mspId || peer.endpoint !== '')) elements.push(this.#own.current().stateInfo);
    return unsignedEnvelope({
      channel: utf8(this.id),
      tag: gossip.GossipMessage_Tag.CHAN_OR_ORG,
      stateSnapshot: { elements },
    });
  }

  #rumour({ key, pkiId, received }: StateInfo, from: Neighbour) {
    const hears = this.#audience(this.#parts.table.get(pkiId));
    const envelope = gossip.Envelope.encode(received.signed);
    return { envelope, public: envelope, mayHear: (other: KnownMember) => other.key !== key && hears(other), from: from.pkiId };
  }

  /** All organisations of the channel hear of who can be reached from outside, the own one of everybody. */
  #audience(subject: { readonly endpoint: string } | undefined): (member: KnownMember) => boolean {
    if (subject !== undefined && subject.endpoint !== '') return ({ mspId }) => this.has(mspId);
    return ({ mspId }) => mspId === this.#parts.peer.mspId;
  }
}

const organizationsOf = (channel: OwnChannel): ReadonlySet<string> =>
  new Set(channel.bundle().application?.orgs.map(({ mspId }) => mspId) ?? []);

function readable(element: gossip.Envelope): StateInfo | undefined {
  try {
    return nestedStateInfo(element);
  } catch (thrown) {
    if (thrown instanceof SelvageError) return undefined;
    throw thrown;
  }
}
