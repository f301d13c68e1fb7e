import { setMaxListeners } from 'node:events';
import { hex } from '../../common/bytes.ts';
import type { Logger } from '../../common/log.ts';
import { Scope } from '../../common/scope.ts';
import { every, type Timers } from '../../common/timers.ts';
import type { IdentityStore, KnownIdentity } from '../identities/identity-store.ts';
import type { Links, Neighbour } from '../links.ts';
import type { OwnPeer } from '../own-peer.ts';
import type { Outbox } from '../propagation/outbox.ts';
import type { Propagation } from '../propagation/propagation.ts';
import { type Random, randomChoice } from '../propagation/random-choice.ts';
import { TokenBuckets } from '../propagation/token-buckets.ts';
import type { GossipSettings } from '../settings.ts';
import { type ReceivedMessage, withoutSecret } from '../wire/envelope.ts';
import { AliveGate } from './alive-gate.ts';
import { type AliveMessage, aliveIn } from './alive-message.ts';
import { mayHear } from './disclosure.ts';
import { MemberExchange } from './member-exchange.ts';
import { type KnownMember, type Learnt, type MemberTable, preferredEndpoint } from './member-table.ts';
import { OwnAlive } from './own-alive.ts';

export interface MembershipParts {
  readonly peer: OwnPeer;
  readonly identities: IdentityStore;
  readonly links: Links;
  readonly outbox: Outbox;
  readonly propagation: Propagation;
  readonly table: MemberTable;
  readonly work: TokenBuckets;
  /** How much each neighbour may have read here of what others said. */
  readonly reading: TokenBuckets;
  readonly timers: Timers;
  readonly settings: GossipSettings;
  readonly random: Random;
  /** Whether an endpoint is a bootstrap or anchor peer's: those are never forgotten. */
  readonly isNamed: (endpoint: string) => boolean;
  readonly log: Logger;
}

/** How many dead peers are tried side by side. */
const TRIED_AT_ONCE = 10;

/**
 * Heartbeats of one organisation's peers that are passed on each second. Beyond that members learn of each other when they ask, every
 * few seconds, so that what a peer sends does not grow with the number of peers.
 */
const PASSED_ON = { perSecond: 4, burst: 8 };

/** A stream that breaks is tried again at once, but not over and over. */
const TRIED_AGAIN = { perSecond: 0.2, burst: 1 };

/**
 * Who is alive. This peer says every few seconds that it is, passes on what others say, and asks some of them whom they know.
 * @see hyperledger/fabric v2.5, gossip/discovery/discovery_impl.go
 */
export class Membership implements AsyncDisposable {
  readonly #parts: MembershipParts;
  readonly #scope = new Scope();
  readonly #over = new AbortController();
  readonly #gate: AliveGate;
  readonly #passedOn: TokenBuckets;
  readonly #triedAgain: TokenBuckets;
  readonly #listeners = new Set<() => void>();
  #tryingDead = false;
  readonly own: OwnAlive;
  readonly exchange: MemberExchange;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
    setMaxListeners(0, this.#over.signal); // every dead peer that is tried listens
    const { peer, timers, settings } = parts;
    this.own = new OwnAlive({ peer, timers, publishIdentityMs: settings.publishIdentityMs });
    this.#gate = new AliveGate(parts);
    this.#passedOn = new TokenBuckets(PASSED_ON, timers);
    this.#triedAgain = new TokenBuckets(TRIED_AGAIN, timers);
    this.exchange = new MemberExchange({
      ...parts,
      own: this.own,
      gate: this.#gate,
      learn: (alive, identity, dead) => void this.#learn(alive, identity, dead),
    });
  }

  start(): void {
    const { timers, settings } = this.#parts;
    this.#scope.use(every(timers, settings.aliveIntervalMs, () => this.#sayAlive()));
    this.#scope.use(every(timers, settings.aliveExpirationMs / 10, () => this.#expire()));
    this.#scope.use(every(timers, settings.reconnectMs, () => void this.#tryDead()));
    this.#scope.use(every(timers, settings.pullIntervalMs, () => this.#sync()));
  }

  /** Calls `listener` after somebody came, went, or is reached elsewhere, until the result is disposed. */
  onChanged(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** An alive message that came by itself: what is news is passed on. */
  async handleAlive(from: Neighbour, received: ReceivedMessage): Promise<void> {
    const alive = aliveIn(received);
    if (alive === undefined || this.#parts.table.isStale(alive)) return;
    const identity = await this.#gate.admit(alive, from);
    if (identity === undefined) return;
    const learnt = this.#learn(alive, identity);
    if (learnt !== 'stale') this.#passOn(alive.pkiId, learnt, from);
  }

  /** A stream to a peer ended: if it cannot be made again the peer is dead. */
  lost(pkiId: Uint8Array): void {
    const { table, timers, random } = this.#parts;
    if (table.get(pkiId)?.dead !== false || !this.#triedAgain.take(hex(pkiId))) return;
    timers.after(100 + random() * 400, () => {
      const member = table.get(pkiId);
      if (member?.dead === false && !this.#over.signal.aborted) this.#ask(member);
    });
  }

  /** A peer that cannot be reached is dead until it says otherwise. */
  unreachable(pkiId: Uint8Array): void {
    this.#die(pkiId);
  }

  /** A peer whose identity is no longer valid was never there. */
  purge(pkiId: Uint8Array): void {
    const { table, log } = this.#parts;
    if (table.purge(pkiId) === undefined) return;
    log.info('Purging from membership', { pkiId: hex(pkiId) });
    this.#changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#scope[Symbol.asyncDispose]();
  }

  #learn(alive: AliveMessage, identity: KnownIdentity, dead?: 'dead'): Learnt {
    const { table, timers, log } = this.#parts;
    const now = timers.now().getTime();
    if (dead !== undefined) {
      if (table.learnDead(alive, identity, now)) this.#changed();
      return 'stale';
    }
    const learnt = table.learn(alive, identity, now);
    if (learnt === 'stale' || learnt === 'refreshed') return learnt;
    log.debug(learnt === 'resurrected' ? 'a peer is alive again' : 'a peer is alive', {
      endpoint: alive.endpoint,
      pkiId: hex(alive.pkiId),
    });
    this.#changed();
    return learnt;
  }

  #passOn(pkiId: Uint8Array, learnt: Learnt, from: Neighbour): void {
    const { table, propagation, peer } = this.#parts;
    const member = table.get(pkiId);
    const isThere = learnt === 'refreshed' || learnt === 'changed';
    if (member === undefined || (isThere && !this.#passedOn.take(member.mspId))) return;
    propagation.add({
      envelope: member.alive.envelope,
      public: withoutSecret(member.alive),
      mayHear: (other) => other.key !== member.key && mayHear(member, other, peer.mspId),
      from: from.pkiId,
    });
  }

  #sayAlive(): void {
    const { table, propagation, peer } = this.#parts;
    if (table.alive().length === 0) return;
    const alive = this.own.next();
    propagation.add({ envelope: alive.envelope, public: withoutSecret(alive), mayHear: (other) => mayHear(peer, other, peer.mspId) });
  }

  #expire(): void {
    const { table, timers, settings, isNamed, log } = this.#parts;
    const now = timers.now().getTime();
    for (const { key, pkiId, lastSeen } of table.silentSince(now - settings.aliveExpirationMs)) {
      log.warn(`Haven't heard from ${key} for ${(now - lastSeen) / 1000}s`);
      this.#die(pkiId);
    }
    const isKept = (endpoint: string): boolean => {
      const named = isNamed(endpoint);
      if (named) log.debug(`Do not remove bootstrap or anchor peer endpoint ${endpoint} from membership`);
      return named;
    };
    const gone = table.forgetSilentSince(now - settings.aliveExpirationMs * settings.expirationFactor, isKept);
    for (const { endpoint, internalEndpoint = '', key } of gone)
      log.info(`Removing member: Endpoint: ${endpoint}, InternalEndpoint: ${internalEndpoint}, PKIID: ${key}`);
    if (gone.length > 0) this.#changed();
  }

  #die(pkiId: Uint8Array): void {
    const { table, links, log } = this.#parts;
    const member = table.presumeDead(pkiId);
    if (member === undefined) return;
    log.warn(
      `Closing connection to Endpoint: ${member.endpoint}, InternalEndpoint: ${member.internalEndpoint ?? ''}, PKI-ID: ${member.key}`,
    );
    links.close(pkiId);
    this.#changed();
  }

  /** Whom do some of the others know? */
  #sync(): void {
    const { table, settings, random } = this.#parts;
    const asked = randomChoice(table.alive(), settings.pullPeers, random);
    if (asked.length === 0) return;
    const request = this.exchange.request();
    for (const member of asked) this.#ask(member, request);
  }

  #ask(member: KnownMember, request = this.exchange.request()): void {
    const { outbox, peer } = this.#parts;
    outbox.send({ pkiId: member.pkiId, endpoint: preferredEndpoint(member) }, member.mspId === peer.mspId ? request.own : request.foreign);
  }

  /** Dead ones that answer again are asked; their own alive message is what brings them back. */
  async #tryDead(): Promise<void> {
    if (this.#tryingDead) return;
    this.#tryingDead = true;
    const dead = [...this.#parts.table.dead()];
    const tryNext = async (): Promise<void> => {
      for (let member = dead.pop(); member !== undefined; member = dead.pop()) await this.#tryOne(member);
    };
    await Promise.all(Array.from({ length: TRIED_AT_ONCE }, tryNext));
    this.#tryingDead = false;
  }

  async #tryOne(member: KnownMember): Promise<void> {
    const { links, table } = this.#parts;
    const { signal } = this.#over;
    const endpoint = preferredEndpoint(member);
    if (signal.aborted || endpoint === '') return;
    const answers = await links.ping(endpoint, { signal }).catch(() => false);
    if (answers && table.get(member.pkiId) !== undefined) this.#ask(member);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
