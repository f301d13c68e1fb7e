import { compareBytes, hex } from '../../common/bytes.ts';
import type { Timers } from '../../common/timers.ts';
import type { Link } from './link.ts';

/** How long two peers that dialled each other at the same time keep both streams, in milliseconds. */
const BOTH_MS = 5_000;

/**
 * The streams to all peers, by their pki ids: one for each, whoever dialled.
 *
 * A new stream that a peer dialled takes the place of the one it dialled before, since it has lost that. Peers that dial each other at
 * the same time are another matter. A Go peer then keeps the stream that came to it, and drops the one it dialled; if this peer did the
 * same none would be left. So both are kept for some seconds, and of two that are still there by then the one goes that the peer with
 * the greater pki id dialled, which both sides know.
 * @see connectionStore in hyperledger/fabric v2.5, gossip/comm/conn.go
 */
export class LinkTable {
  readonly #self: Uint8Array;
  readonly #timers: Timers;
  /** The newest last: it is the one that is used. */
  readonly #links = new Map<string, Link[]>();
  readonly #ofOrganization = new Map<string, number>();

  constructor(self: Uint8Array, timers: Timers) {
    this.#self = self;
    this.#timers = timers;
  }

  /** The stream to use towards a peer. */
  get(pkiId: Uint8Array): Link | undefined {
    return this.#links.get(hex(pkiId))?.findLast(({ over }) => !over);
  }

  /** All streams to a peer. */
  all(pkiId: Uint8Array): readonly Link[] {
    return [...(this.#links.get(hex(pkiId)) ?? [])];
  }

  list(): readonly Link[] {
    return [...this.#links.values()].flat();
  }

  /** How many peers of an organisation there are streams to. */
  countOf(mspId: string): number {
    return this.#ofOrganization.get(mspId) ?? 0;
  }

  /** Enters a stream and ends those whose place it takes. */
  add(link: Link): void {
    const { pkiId, mspId } = link.neighbour;
    const before = this.all(pkiId);
    if (before.length === 0) this.#ofOrganization.set(mspId, this.countOf(mspId) + 1);
    this.#links.set(hex(pkiId), [...before, link]);
    const young = this.#timers.now().getTime() - BOTH_MS;
    for (const old of before) if (old.dialled === link.dialled || old.since < young) old.close('a newer stream took its place');
    if (before.some((old) => !old.over)) this.#timers.after(BOTH_MS, () => this.#keepOne(pkiId));
  }

  /** Takes a stream out that has ended. @returns whether it was the last one to its peer */
  remove(link: Link): boolean {
    const { pkiId, mspId } = link.neighbour;
    const before = this.all(pkiId);
    const left = before.filter((each) => each !== link);
    if (left.length === before.length) return false;
    if (left.length > 0) {
      this.#links.set(hex(pkiId), left);
      return false;
    }
    this.#links.delete(hex(pkiId));
    const others = this.countOf(mspId) - 1;
    if (others > 0) this.#ofOrganization.set(mspId, others);
    else this.#ofOrganization.delete(mspId);
    return true;
  }

  #keepOne(pkiId: Uint8Array): void {
    const live = this.all(pkiId).filter(({ over }) => !over);
    if (live.length < 2) return;
    const ownIsKept = compareBytes(this.#self, pkiId) < 0;
    const kept = live.findLast(({ dialled }) => dialled === ownIsKept) ?? live.at(-1);
    for (const link of live) if (link !== kept) link.close('both peers dialled, and one stream is enough');
  }
}
