import { randomBytes } from 'node:crypto';
import { hex } from '../common/bytes.ts';
import type { Logger } from '../common/log.ts';
import type { Metrics } from '../common/metrics.ts';
import { Scope } from '../common/scope.ts';
import type { Timers } from '../common/timers.ts';
import type { OwnChannels } from './channels/own-channels.ts';
import { Presences } from './channels/presence.ts';
import { ViewLog } from './channels/view-log.ts';
import { Dispatch } from './dispatch.ts';
import { GossipView } from './gossip-view.ts';
import type { IdentityStore, KnownIdentity } from './identities/identity-store.ts';
import type { Links } from './links.ts';
import { Contacts } from './membership/contacts.ts';
import { IdentityMessages } from './membership/identity-messages.ts';
import { IdentityPuller } from './membership/identity-puller.ts';
import { IdentityServer } from './membership/identity-server.ts';
import { MemberTable } from './membership/member-table.ts';
import { Membership } from './membership/membership.ts';
import { type NamedContactsParts, namedContacts } from './membership/named-contacts.ts';
import type { OwnPeer } from './own-peer.ts';
import type { PeerView } from './peers.ts';
import { Outbox } from './propagation/outbox.ts';
import { Propagation } from './propagation/propagation.ts';
import type { Random } from './propagation/random-choice.ts';
import { TokenBuckets } from './propagation/token-buckets.ts';
import type { GossipSettings } from './settings.ts';

export interface GossipParts {
  readonly peer: OwnPeer;
  readonly identities: IdentityStore;
  readonly links: Links;
  readonly channels: OwnChannels;
  readonly settings: GossipSettings;
  /** `host:port` of peers of the own organisation. */
  readonly bootstrap: readonly string[];
  /** Peers of any organisation to go to, beside those that channels name. */
  readonly also?: NamedContactsParts['also'];
  readonly timers: Timers;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly random?: Random;
}

/** What a neighbour may have verified here: thousands of peers that are new, and no more than a tenth of a core for long. */
const WORK = { perSecond: 500, burst: 5_000 };

/**
 * What a neighbour may have read here of what others said, in answers and snapshots: some thousands at once, as who knows a large network
 * tells them, and for long no more than a tenth of a core.
 */
const READING = { perSecond: 5_000, burst: 20_000 };

/** Messages on their way to one peer. */
const MOST_WAITING = 20;

/**
 * This peer among others: who is alive, who takes part in which channel, and what each said of itself. What arrives is from a stranger
 * until its signature was verified, and all that is kept of others is bounded by the number of their valid identities.
 */
export class Gossip implements AsyncDisposable {
  readonly #parts: GossipParts;
  readonly #built: ReturnType<typeof build>;
  readonly #scope = new Scope();
  readonly #log: Logger;
  #anchors = '';

  /** Does nothing yet but show this peer itself. */
  constructor(parts: GossipParts) {
    this.#parts = parts;
    this.#built = build(parts);
    this.#log = parts.log.child({ module: 'gossip.gossip' });
  }

  get view(): PeerView {
    return this.#built.view;
  }

  /** How much is kept of others, by what it is. */
  sizes(): Readonly<Record<string, number>> {
    const { table, messages, outbox, propagation, presences, contacts, puller, membership } = this.#built;
    return {
      ...table.sizes,
      ...puller.sizes,
      identityMessages: messages.size,
      outbox: outbox.size,
      propagation: propagation.waiting,
      contacts: contacts.size,
      answers: membership.exchange.waiting,
      stateInfos: presences.list().reduce((sum, { size }) => sum + size, 0),
    };
  }

  /** Listens, and begins to say that this peer is there. Call it when it can be reached. */
  start(): void {
    const { channels, identities, links } = this.#parts;
    const { membership, view, puller, presences, viewLog, dispatch } = this.#built;
    const scope = this.#scope;
    scope.use(identities.onRemoved((removed) => this.#purge(removed)));
    scope.use(links.onLost((pkiId) => membership.lost(pkiId)));
    scope.use(membership.onChanged(() => view.changed()));
    scope.use(channels.onChanged(() => view.changed()));
    scope.use(channels.onConfigured(() => this.#configure()));
    for (const part of [membership, puller, presences, viewLog]) part.start();
    scope.use(links.onEnvelope((from, envelope) => dispatch.take(from, envelope)));
    this.#log.info('gossip started', { endpoint: this.#parts.peer.endpoint, internalEndpoint: this.#parts.peer.internalEndpoint });
    if (this.#parts.peer.endpoint === '')
      this.#log.warn('External endpoint is empty, peer will not be accessible outside of its organization');
    this.#configure();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { outbox, propagation, membership, contacts, puller, presences, viewLog } = this.#built;
    for (const part of [outbox, propagation, membership, presences, viewLog, puller, contacts]) this.#scope.use(part);
    await this.#scope[Symbol.asyncDispose]();
  }

  /** Other organisations, authorities, revocations or anchor peers may be in force. */
  #configure(): void {
    const { channels, identities, peer, bootstrap, also } = this.#parts;
    identities.revalidate();
    const contacts = namedContacts({ mspId: peer.mspId, bootstrap, also, channels: channels.list(), log: this.#log });
    const anchors = contacts.filter(({ kind }) => kind === 'anchor peer').map(({ endpoint, mspId }) => `${endpoint} of ${mspId}`);
    if (String(anchors) !== this.#anchors) this.#log.info('Learning about the configured anchor peers', { anchors });
    this.#anchors = String(anchors);
    this.#built.contacts.set(contacts);
  }

  /** An identity that is no longer valid: nothing of its peer is kept, and nothing more is heard of it. */
  #purge({ pkiId }: KnownIdentity): void {
    const { messages, membership, presences } = this.#built;
    this.#log.debug('an identity is no longer known', { pkiId: hex(pkiId) });
    messages.delete(pkiId);
    membership.purge(pkiId);
    presences.forget(pkiId);
    this.#parts.links.close(pkiId);
  }
}

function build(parts: GossipParts) {
  const { peer, links, channels, identities, timers, settings, metrics, random = Math.random } = parts;
  const logOf = (name: string): Logger => parts.log.child({ module: `gossip.${name}` });
  const table = new MemberTable();
  const work = new TokenBuckets(WORK, timers);
  const reading = new TokenBuckets(READING, timers);
  const onUnreachable = (pkiId: Uint8Array): void => membership.unreachable(pkiId);
  const outbox = new Outbox({ links, mostWaiting: MOST_WAITING, onUnreachable, log: logOf('comm') });
  const propagation = new Propagation({ mspId: peer.mspId, alive: () => table.alive(), outbox, timers, settings, random });
  const shared = { peer, identities, links, table, outbox, propagation, work, reading, timers, settings, random, nonce };
  const isNamed = (endpoint: string): boolean => contacts.has(endpoint);
  const membership = new Membership({ ...shared, isNamed, log: logOf('discovery') });
  const contacts = new Contacts({ ...shared, exchange: membership.exchange, log: logOf('discovery') });
  const messages = new IdentityMessages(peer);
  const server = new IdentityServer({ ...shared, messages });
  const puller = new IdentityPuller({ ...shared, messages, log: logOf('pull') });
  const presences = new Presences({ ...shared, channels, log: logOf('channel'), onChanged: () => view.changed() });
  const view = new GossipView({ peer, own: membership.own, identities, table, channels, presences });
  const viewLog = new ViewLog({
    channels: () => presences.list().map(({ id }) => id),
    membersOf: (channelId) => view.membersOf(channelId),
    timers,
    intervalMs: settings.membershipTrackerMs,
    log: logOf('channel'),
    metrics,
  });
  const dispatch = new Dispatch({ links, membership, server, puller, presences, log: logOf('gossip') });
  return { table, outbox, propagation, membership, contacts, messages, server, puller, presences, view, viewLog, dispatch };
}

/** 64 bits that are not all 0. */
const nonce = (): bigint => randomBytes(8).readBigUInt64BE() || 1n;
