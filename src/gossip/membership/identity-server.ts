import { hex } from '../../common/bytes.ts';
import { LruCache } from '../../common/lru.ts';
import type { Timers } from '../../common/timers.ts';
import { gossip } from '../../protos/messages.ts';
import type { IdentityStore } from '../identities/identity-store.ts';
import type { Neighbour } from '../links.ts';
import type { OwnPeer } from '../own-peer.ts';
import type { Outbox } from '../propagation/outbox.ts';
import { unsignedEnvelope } from '../wire/envelope.ts';
import type { IdentityMessages } from './identity-messages.ts';
import type { MemberTable } from './member-table.ts';

export interface IdentityServerParts {
  readonly peer: OwnPeer;
  readonly identities: Pick<IdentityStore, 'get'>;
  readonly messages: IdentityMessages;
  readonly table: MemberTable;
  readonly outbox: Outbox;
  readonly timers: Timers;
  readonly settings: { readonly requestWaitMs: number };
}

/** Neighbours whose hello is remembered, and hellos of one of them. */
const MOST_NEIGHBOURS = 4_000;
const MOST_HELLOS = 8;

/** What may be asked for at once. */
const MOST_DIGESTS = 10_000;

interface Hello {
  readonly nonce: bigint;
  readonly until: number;
}

/**
 * Gives identities to peers that pull them: first a list of what there is, then what they want of it.
 * @see hyperledger/fabric v2.5, gossip/gossip/algo/pull.go and sameOrgOrOurOrgPullFilter in gossip/gossip/gossip_impl.go
 */
export class IdentityServer {
  readonly #parts: IdentityServerParts;
  readonly #hellos = new LruCache<string, readonly Hello[]>(MOST_NEIGHBOURS);

  constructor(parts: IdentityServerParts) {
    this.#parts = parts;
  }

  handleHello(from: Neighbour, { nonce }: gossip.GossipHello): void {
    const { outbox, messages } = this.#parts;
    const key = hex(from.pkiId);
    const open = this.#open(key);
    if (open.length >= MOST_HELLOS) return;
    outbox.answer(from, 'digest', () => {
      const digests = messages.list().filter((pkiId) => this.#mayHave(pkiId, from));
      if (digests.length === 0) return undefined;
      this.#hellos.set(key, [...open, { nonce, until: this.#now() + this.#parts.settings.requestWaitMs }]);
      return pullEnvelope({ dataDig: { nonce, digests, msgType: gossip.PullMsgType.IDENTITY_MSG } });
    });
  }

  handleRequest(from: Neighbour, { nonce, digests }: gossip.DataRequest): void {
    if (!this.#open(hex(from.pkiId)).some((hello) => hello.nonce === nonce)) return;
    this.#parts.outbox.answer(from, 'identities', () => {
      const data = digests.slice(0, MOST_DIGESTS).flatMap((pkiId) => {
        const envelope = this.#mayHave(pkiId, from) ? this.#parts.messages.get(pkiId) : undefined;
        return envelope === undefined ? [] : [gossip.Envelope.decode(envelope)];
      });
      if (data.length === 0) return undefined;
      return pullEnvelope({ dataUpdate: { nonce, data, msgType: gossip.PullMsgType.IDENTITY_MSG } });
    });
  }

  /** Its own organisation may have all; others those of theirs and ours, of members that can be reached from outside. */
  #mayHave(pkiId: Uint8Array, from: Neighbour): boolean {
    const { peer, identities, table } = this.#parts;
    if (from.mspId === peer.mspId) return true;
    const mspId = identities.get(pkiId)?.mspId;
    if (mspId === undefined || (mspId !== peer.mspId && mspId !== from.mspId)) return false;
    const { endpoint } = hex(pkiId) === hex(peer.pkiId) ? peer : (table.get(pkiId) ?? { endpoint: '' });
    return endpoint !== '';
  }

  #open(key: string): readonly Hello[] {
    return (this.#hellos.get(key) ?? []).filter(({ until }) => until >= this.#now());
  }

  #now(): number {
    return this.#parts.timers.now().getTime();
  }
}

export const pullEnvelope = (message: gossip.GossipMessageInit): Uint8Array =>
  unsignedEnvelope({ tag: gossip.GossipMessage_Tag.EMPTY, ...message });
