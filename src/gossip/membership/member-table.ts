import { hex } from '../../common/bytes.ts';
import type { KnownIdentity } from '../identities/identity-store.ts';
import { internalEndpointOf, type ReceivedMessage } from '../wire/envelope.ts';
import { type AliveMessage, keptAlive } from './alive-message.ts';
import { isNewer, type Timestamp } from './timestamp.ts';

/** A peer that was heard of. Never changed: what is news is another object. */
export interface KnownMember {
  /** The pki id in hexadecimal. */
  readonly key: string;
  readonly pkiId: Uint8Array;
  readonly mspId: string;
  /** `SerializedIdentity` bytes. */
  readonly identity: Uint8Array;
  readonly endpoint: string;
  /** Undefined where it is not known; its organisation alone gets to know it. */
  readonly internalEndpoint: string | undefined;
  /** Its newest alive message. */
  readonly alive: ReceivedMessage;
  /** Milliseconds since 1970, by the clock of this peer. */
  readonly lastSeen: number;
  readonly dead: boolean;
}

/** What an alive message changed. */
export type Learnt = 'stale' | 'refreshed' | 'changed' | 'new' | 'resurrected';

/**
 * Who is alive and who is dead, by what they said last. There are no more members than identities: one whose identity goes is purged,
 * and until then no message of it that was heard before, or is older, is ever believed again.
 * @see hyperledger/fabric v2.5, gossip/discovery/discovery_impl.go
 */
export class MemberTable {
  readonly #members = new Map<string, KnownMember>();
  readonly #timestamps = new Map<string, Timestamp>();
  #alive: readonly KnownMember[] | undefined;

  get(pkiId: Uint8Array): KnownMember | undefined {
    return this.#members.get(hex(pkiId));
  }

  alive(): readonly KnownMember[] {
    this.#alive ??= [...this.#members.values()].filter(({ dead }) => !dead);
    return this.#alive;
  }

  dead(): readonly KnownMember[] {
    return [...this.#members.values()].filter(({ dead }) => dead);
  }

  /** Peers and timestamps that are remembered. */
  get sizes(): { readonly members: number; readonly timestamps: number } {
    return { members: this.#members.size, timestamps: this.#timestamps.size };
  }

  isStale({ pkiId, timestamp }: Pick<AliveMessage, 'pkiId' | 'timestamp'>): boolean {
    return !isNewer(timestamp, this.#timestamps.get(hex(pkiId)));
  }

  /** Takes in a message that was verified with the identity. */
  learn(alive: AliveMessage, identity: KnownIdentity, now: number): Learnt {
    if (this.isStale(alive)) return 'stale';
    const before = this.get(alive.pkiId);
    const member = this.#put(alive, identity, { lastSeen: now, dead: false });
    if (before === undefined) return 'new';
    if (before.dead) return 'resurrected';
    return before.endpoint === member.endpoint && before.internalEndpoint === member.internalEndpoint ? 'refreshed' : 'changed';
  }

  /** Takes in that others hold somebody for dead, unless he is known here. Whether that is news. */
  learnDead(alive: AliveMessage, identity: KnownIdentity, now: number): boolean {
    if (this.isStale(alive) || this.get(alive.pkiId) !== undefined) return false;
    this.#put(alive, identity, { lastSeen: now, dead: true });
    return true;
  }

  /** Holds a peer for dead until a newer message of it comes. The member if that is news. */
  presumeDead(pkiId: Uint8Array): KnownMember | undefined {
    const member = this.get(pkiId);
    if (member === undefined || member.dead) return undefined;
    this.#set({ ...member, dead: true });
    return member;
  }

  /** Those alive that were not heard of since. */
  silentSince(time: number): readonly KnownMember[] {
    return this.alive().filter(({ lastSeen }) => lastSeen < time);
  }

  /** Forgets who is dead and was not heard of since, but for those that somebody named. */
  forgetSilentSince(time: number, isNamed: (endpoint: string) => boolean): readonly KnownMember[] {
    const named = ({ endpoint, internalEndpoint = '' }: KnownMember): boolean => isNamed(endpoint) || isNamed(internalEndpoint);
    const gone = this.dead().filter((member) => member.lastSeen < time && !named(member));
    for (const { key } of gone) this.#delete(key);
    return gone;
  }

  /** Forgets a peer whose identity is no longer valid, with the order of its messages. The member if there was one. */
  purge(pkiId: Uint8Array): KnownMember | undefined {
    const member = this.get(pkiId);
    this.#timestamps.delete(hex(pkiId));
    this.#delete(hex(pkiId));
    return member;
  }

  #put(alive: AliveMessage, { mspId, identity, pkiId }: KnownIdentity, state: Pick<KnownMember, 'lastSeen' | 'dead'>): KnownMember {
    const { received, endpoint, timestamp } = keptAlive(alive);
    const key = hex(pkiId);
    const internalEndpoint = internalEndpointOf(received) ?? this.#members.get(key)?.internalEndpoint;
    const member = { key, pkiId, mspId, identity, endpoint, internalEndpoint, alive: received, ...state };
    this.#timestamps.set(key, timestamp);
    this.#set(member);
    return member;
  }

  #set(member: KnownMember): void {
    this.#members.set(member.key, member);
    this.#alive = undefined;
  }

  #delete(key: string): void {
    this.#members.delete(key);
    this.#alive = undefined;
  }
}

/** Where this peer dials another one. */
export const preferredEndpoint = ({ endpoint, internalEndpoint }: KnownMember): string => internalEndpoint ?? endpoint;
