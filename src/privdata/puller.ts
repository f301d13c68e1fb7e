import { equalBytes, hex, sha256 } from '../common/bytes.ts';
import { Deadline } from '../common/cancel.ts';
import { type Clock, systemClock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { LruCache } from '../common/lru.ts';
import { type Metrics, timed } from '../common/metrics.ts';
import { Refusals } from '../common/refusals.ts';
import { shuffled } from '../common/shuffled.ts';
import type { ChannelMember, PeerView } from '../gossip/peers.ts';
import type { PrivateDataExchange } from '../gossip/private-exchange.ts';
import type { gossip } from '../protos/messages.ts';
import { durationOf } from './durations.ts';

/** What identifies a write set among peers; `txId` is '' where only the place in the block counts. */
export type Digest = Required<gossip.PvtDataDigestInit>;

/** A write set that others are asked for. */
export interface Wanted {
  readonly digest: { readonly [name in keyof Digest]: NonNullable<Digest[name]> };
  /** Members that most likely have it. */
  prefers(member: ChannelMember): Promise<boolean> | boolean;
  /** Members that may have it. */
  accepts(member: ChannelMember): Promise<boolean> | boolean;
  /** SHA-256 of the set, where it must have one: an answer that does not is none. */
  readonly hash: Uint8Array | undefined;
  /** The block that makes it expire; undefined for never. */
  readonly expiresAt: bigint | undefined;
}

export interface Pulled {
  /** `kvrwset.KVRWSet` bytes; several where a peer has it from several endorsers. */
  readonly sets: readonly Uint8Array[];
  readonly from: ChannelMember;
}

export interface PullOutcome<W extends Wanted> {
  readonly found: ReadonlyMap<W, Pulled>;
  /** Somebody gave something else in its place. */
  readonly mismatched: ReadonlySet<W>;
  /** Nobody was asked, as it expires too soon. */
  readonly expiring: ReadonlySet<W>;
  /** Everybody who may have it answered, has committed its block, and gave nothing. */
  readonly denied: ReadonlySet<W>;
  /** No peer is known that may have anything of it. */
  readonly nobody: boolean;
}

export interface PullerParts {
  readonly channelId: string;
  readonly peers: Pick<PeerView, 'membersOf'>;
  readonly exchange: Pick<PrivateDataExchange, 'pull'>;
  readonly btlPullMargin: bigint;
  /** How long the answer of one peer is waited for. */
  readonly answerMs?: number;
  readonly clock?: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
}

const ANSWER_MS = 5_000;
/** Peers that did not answer are asked last, and for so long not at all by those who cannot wait. */
const SILENT = { peers: 1_000, forMs: 30_000 };

/**
 * Asks peers of a channel for write sets, each set of one peer at a time, until it is found or everybody was asked.
 * @see gossip/privdata/pull.go in hyperledger/fabric v2.5
 */
export class Puller {
  readonly #parts: PullerParts;
  /** When they did not answer, in milliseconds since 1970. */
  readonly #silent = new LruCache<string, number>(SILENT.peers);
  readonly #liars: Refusals;

  constructor(parts: PullerParts) {
    this.#parts = parts;
    this.#liars = new Refusals(parts.log, 'a peer gave private data that do not have the hash of the transaction');
  }

  /**
   * @param options `patient`: whether peers are asked that did not answer a moment ago
   * @throws the signal's reason
   */
  async pull<W extends Wanted>(
    wanted: readonly W[],
    { signal, patient = true }: { readonly signal: AbortSignal; readonly patient?: boolean },
  ): Promise<PullOutcome<W>> {
    const run = new Run<W>();
    const members = this.#members(patient);
    for (const each of wanted) run.add(each, await candidatesFor(each, members));
    if (run.isEmpty) {
      const text = `Do not know any peer in the channel( ${this.#parts.channelId} ) that matches the policies , aborting`;
      this.#parts.log.debug(text, { wanted: wanted.length });
      return run.outcome({ nobody: true });
    }
    run.dropExpiring(this.#parts.btlPullMargin);
    for (let asked = run.assign(); asked.size > 0; asked = run.assign()) {
      signal.throwIfAborted();
      await Promise.all([...asked].map(([member, sets]) => this.#ask(member, sets, run, signal)));
    }
    return run.outcome({ nobody: false });
  }

  #members(patient: boolean): readonly ChannelMember[] {
    const others = shuffled(this.#parts.peers.membersOf(this.#parts.channelId).filter(({ self }) => !self));
    const now = this.#now();
    const isSilent = ({ pkiId }: ChannelMember): boolean => now - (this.#silent.get(hex(pkiId)) ?? 0) < SILENT.forMs;
    const silent = others.filter(isSilent);
    return [...others.filter((member) => !silent.includes(member)), ...(patient ? silent : [])];
  }

  #now(): number {
    return (this.#parts.clock ?? systemClock).now().getTime();
  }

  async #ask<W extends Wanted>(member: ChannelMember, sets: readonly W[], run: Run<W>, signal: AbortSignal): Promise<void> {
    const { channelId, exchange, metrics, log, answerMs = ANSWER_MS } = this.#parts;
    using deadline = new Deadline(answerMs, 'timed out', signal);
    try {
      const digests = sets.map(({ digest }) => digest);
      const elements = await timed(durationOf(metrics, 'pull', channelId), () => exchange.pull(member, channelId, digests, deadline));
      this.#silent.delete(hex(member.pkiId));
      this.#take(member, { sets, elements }, run);
    } catch (thrown) {
      signal.throwIfAborted();
      this.#silent.set(hex(member.pkiId), this.#now());
      run.unanswered(sets);
      const { mspId, endpoint } = member;
      log.debug('a peer does not answer for private data', { mspId, endpoint, sets: sets.length, reason: messageOf(thrown) });
    }
  }

  #take<W extends Wanted>(
    member: ChannelMember,
    { sets, elements }: { readonly sets: readonly W[]; readonly elements: readonly gossip.PvtDataElement[] },
    run: Run<W>,
  ): void {
    const given = new Map(elements.map(({ digest, payload }) => [digest === undefined ? '' : idOf(digest), payload]));
    for (const wanted of sets) {
      const payload = given.get(idOf(wanted.digest)) ?? [];
      const { hash } = wanted;
      const fitting = hash === undefined ? payload : payload.filter((set) => equalBytes(sha256(set), hash)).slice(0, 1);
      if (fitting.length > 0) run.take(wanted, { sets: fitting, from: member });
      else if (payload.length > 0) this.#lied(member, wanted, run);
      else if (member.height <= wanted.digest.blockSeq) run.unanswered([wanted]); // it may have it yet
    }
  }

  #lied<W extends Wanted>({ mspId, endpoint }: ChannelMember, wanted: W, run: Run<W>): void {
    const { namespace, collection, blockSeq, seqInBlock, txId } = wanted.digest;
    run.mismatch(wanted);
    this.#liars.note({ mspId, endpoint, namespace, collection, block: blockSeq.toString(), transaction: seqInBlock.toString(), txId });
  }
}

interface Candidates {
  /** Those that are preferred first. */
  readonly left: ChannelMember[];
  /** Whether somebody did not answer, or may have it yet. */
  open: boolean;
}

/** What is known of each set that is wanted, while peers are asked. */
class Run<W extends Wanted> {
  readonly #wanted = new Map<W, Candidates>();
  readonly #members = new Set<ChannelMember>();
  readonly #found = new Map<W, Pulled>();
  readonly #mismatched = new Set<W>();
  readonly #expiring = new Set<W>();

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  add(wanted: W, candidates: readonly ChannelMember[]): void {
    this.#wanted.set(wanted, { left: [...candidates], open: candidates.length === 0 });
    for (const member of candidates) this.#members.add(member);
  }

  /** What a peer has dropped, or will soon, is no longer worth asking for. */
  dropExpiring(margin: bigint): void {
    const highest = [...this.#members].reduce((most, { height }) => (height > most ? height : most), 0n);
    for (const [wanted] of this.#wanted)
      if (wanted.expiresAt !== undefined && highest + margin >= wanted.expiresAt) this.#expiring.add(wanted);
  }

  /** Whom to ask next, and for what. */
  assign(): ReadonlyMap<ChannelMember, readonly W[]> {
    const asked = new Map<ChannelMember, W[]>();
    for (const [wanted, { left }] of this.#wanted) {
      const member = this.#found.has(wanted) || this.#expiring.has(wanted) ? undefined : left.shift();
      if (member !== undefined) asked.set(member, [...(asked.get(member) ?? []), wanted]);
    }
    return asked;
  }

  take(wanted: W, pulled: Pulled): void {
    this.#found.set(wanted, pulled);
    this.#mismatched.delete(wanted);
  }

  mismatch(wanted: W): void {
    this.#mismatched.add(wanted);
  }

  unanswered(sets: readonly W[]): void {
    for (const wanted of sets) {
      const candidates = this.#wanted.get(wanted);
      if (candidates !== undefined) candidates.open = true;
    }
  }

  outcome({ nobody }: { readonly nobody: boolean }): PullOutcome<W> {
    const denied = new Set<W>();
    for (const [wanted, { open }] of this.#wanted) if (!open && !this.#found.has(wanted) && !this.#expiring.has(wanted)) denied.add(wanted);
    return { found: this.#found, mismatched: this.#mismatched, expiring: this.#expiring, denied, nobody };
  }
}

async function candidatesFor(wanted: Wanted, members: readonly ChannelMember[]): Promise<readonly ChannelMember[]> {
  const preferred: ChannelMember[] = [];
  const others: ChannelMember[] = [];
  for (const member of members) {
    if (await wanted.prefers(member)) preferred.push(member);
    else if (await wanted.accepts(member)) others.push(member);
  }
  return [...preferred, ...others];
}

const idOf = ({ txId, namespace, collection, blockSeq, seqInBlock }: gossip.PvtDataDigest): string =>
  [txId, namespace, collection, blockSeq, seqInBlock].join('\0');
