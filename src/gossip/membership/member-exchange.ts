import { equalBytes, hex } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { Timers } from '../../common/timers.ts';
import { gossip } from '../../protos/messages.ts';
import type { KnownIdentity } from '../identities/identity-store.ts';
import type { Links, Neighbour } from '../links.ts';
import type { OwnPeer } from '../own-peer.ts';
import type { Outbox } from '../propagation/outbox.ts';
import type { TokenBuckets } from '../propagation/token-buckets.ts';
import { type ReceivedMessage, unsignedEnvelope, withoutSecret } from '../wire/envelope.ts';
import type { AliveGate } from './alive-gate.ts';
import { type AliveMessage, isTooLarge, nestedAlive } from './alive-message.ts';
import { type Disclosable, mayBeTold } from './disclosure.ts';
import type { KnownMember, MemberTable } from './member-table.ts';
import type { OwnAlive } from './own-alive.ts';

export interface MemberExchangeParts {
  readonly peer: OwnPeer;
  readonly own: OwnAlive;
  readonly table: MemberTable;
  readonly gate: AliveGate;
  /** How much each neighbour may have read here of what others said. */
  readonly reading: TokenBuckets;
  readonly links: Pick<Links, 'close'>;
  readonly outbox: Outbox;
  readonly timers: Timers;
  readonly log: Logger;
  /** Takes in a message that is genuine, alive or dead. */
  readonly learn: (alive: AliveMessage, identity: KnownIdentity, dead?: 'dead') => void;
}

/** The most members that one response is read for. */
const MOST_MEMBERS = 10_000;

/**
 * Asking others whom they know, and telling them who asks.
 * @see handleMsgFromComm in hyperledger/fabric v2.5, gossip/discovery/discovery_impl.go
 */
export class MemberExchange {
  readonly #parts: MemberExchangeParts;
  readonly #answered = new Map<bigint, () => void>();

  constructor(parts: MemberExchangeParts) {
    this.#parts = parts;
  }

  /** Requests whose answer somebody waits for. */
  get waiting(): number {
    return this.#answered.size;
  }

  /**
   * A request with a fresh alive message, for peers of the own organisation or for others.
   * @param nonce 0 where it does not matter which answer comes
   */
  request(nonce = 0n): { readonly own: Uint8Array; readonly foreign: Uint8Array } {
    const alive = this.#parts.own.next();
    const of = (selfInformation: Uint8Array) =>
      unsignedEnvelope({
        nonce,
        tag: gossip.GossipMessage_Tag.EMPTY,
        memReq: { selfInformation: gossip.Envelope.decode(selfInformation) },
      });
    return { own: of(alive.envelope), foreign: of(withoutSecret(alive)) };
  }

  /** Calls `answered` when a response with the nonce comes, until the result is disposed. */
  onAnswered(nonce: bigint, answered: () => void): Disposable {
    this.#answered.set(nonce, answered);
    return { [Symbol.dispose]: () => void this.#answered.delete(nonce) };
  }

  async handleRequest(from: Neighbour, { memReq, nonce }: gossip.GossipMessage): Promise<void> {
    const { log, table, gate, outbox } = this.#parts;
    const alive = memReq?.selfInformation && readable(memReq.selfInformation);
    if (alive === undefined) return log.debug('a membership request has no alive message of who sends it', { pkiId: hex(from.pkiId) });
    if (!equalBytes(alive.pkiId, from.pkiId))
      return log.debug("Got membership request with selfInfo that doesn't match the handshake", { pkiId: hex(from.pkiId) });
    if (!this.#isKnown(alive)) {
      const identity = await gate.admit(alive, from);
      if (identity === undefined) return;
      if (!table.isStale(alive)) this.#parts.learn(alive, identity);
    }
    outbox.answer(from, 'members', () => this.#response(from, alive, nonce));
  }

  async handleResponse(from: Neighbour, { memRes, nonce }: gossip.GossipMessage): Promise<void> {
    this.#answered.get(nonce)?.();
    const alive = memRes?.alive ?? [];
    const dead = memRes?.dead ?? [];
    for (const [at, each] of [...alive, ...dead].slice(0, MOST_MEMBERS).entries()) {
      if (!this.#parts.reading.take(hex(from.pkiId))) return;
      if (isTooLarge(each)) continue;
      const message = readable(each);
      if (message === undefined) return; // what comes after it is not looked at either, as in Fabric
      if (this.#parts.table.isStale(message)) continue;
      const identity = await this.#parts.gate.admit(message, from);
      if (identity === undefined) continue;
      if (at < alive.length) this.#parts.learn(message, identity);
      else this.#parts.learn(message, identity, 'dead');
    }
  }

  /** Whether it is, byte for byte, what was verified before. */
  #isKnown({ pkiId, received }: AliveMessage): boolean {
    const known = this.#parts.table.get(pkiId)?.alive;
    return known !== undefined && equalBytes(known.envelope, received.envelope);
  }

  #response(from: Neighbour, { endpoint }: AliveMessage, nonce: bigint): Uint8Array | undefined {
    const { peer, own, table, links, log } = this.#parts;
    const to: Disclosable = { mspId: from.mspId, endpoint };
    if (!mayBeTold(peer, to, peer.mspId)) {
      log.debug("Got a membership request from a peer that shouldn't have sent one, closing connection to the peer as a result", {
        pkiId: hex(from.pkiId),
        mspId: from.mspId,
      });
      links.close(from.pkiId);
      return undefined;
    }
    const told = (message: ReceivedMessage) => gossip.Envelope.decode(to.mspId === peer.mspId ? message.envelope : withoutSecret(message));
    const disclosed = (members: readonly KnownMember[]) =>
      members.filter((member) => mayBeTold(member, to, peer.mspId)).map(({ alive }) => told(alive));
    const memRes = { alive: [...disclosed(table.alive()), told(own.latest)], dead: disclosed(table.dead()) };
    return unsignedEnvelope({ nonce, tag: gossip.GossipMessage_Tag.EMPTY, memRes });
  }
}

function readable(nested: gossip.Envelope): AliveMessage | undefined {
  try {
    return nestedAlive(nested);
  } catch (thrown) {
    if (thrown instanceof SelvageError) return undefined;
    throw thrown;
  }
}
