import { hex } from '../../common/bytes.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { every, type Timers } from '../../common/timers.ts';
import { gossip } from '../../protos/messages.ts';
import type { IdentityStore } from '../identities/identity-store.ts';
import type { Neighbour } from '../links.ts';
import type { Outbox } from '../propagation/outbox.ts';
import { type Random, randomChoice } from '../propagation/random-choice.ts';
import type { TokenBuckets } from '../propagation/token-buckets.ts';
import type { GossipSettings } from '../settings.ts';
import { type IdentityMessage, type IdentityMessages, identityMessageIn, isTooLarge } from './identity-messages.ts';
import { pullEnvelope } from './identity-server.ts';
import { type KnownMember, type MemberTable, preferredEndpoint } from './member-table.ts';

export interface IdentityPullerParts {
  readonly identities: Pick<IdentityStore, 'put' | 'verifyWith'>;
  readonly messages: IdentityMessages;
  readonly table: MemberTable;
  readonly outbox: Outbox;
  readonly work: TokenBuckets;
  readonly timers: Timers;
  readonly settings: Pick<GossipSettings, 'pullIntervalMs' | 'pullPeers' | 'digestWaitMs' | 'responseWaitMs'>;
  readonly random: Random;
  readonly nonce: () => bigint;
  readonly log: Logger;
}

/** What one neighbour may offer in a round. */
const MOST_OFFERED = 10_000;
const PKI_ID_LENGTH = 32;

/** One exchange with one peer. */
interface Exchange {
  readonly member: KnownMember;
  readonly nonce: bigint;
  /** Keys of what was asked for. */
  asked: ReadonlySet<string>;
}

/**
 * Learns identities that other peers have and this one cannot pass on yet: a round every few seconds, with a few of them.
 * @see hyperledger/fabric v2.5, gossip/gossip/algo/pull.go and gossip/gossip/certstore.go
 */
export class IdentityPuller implements Disposable {
  readonly #parts: IdentityPullerParts;
  /** Of the round that goes on, by the key of the peer. */
  readonly #exchanges = new Map<string, Exchange>();
  /** What is offered in this round, and by whom. */
  readonly #offers = new Map<string, { readonly pkiId: Uint8Array; readonly by: KnownMember[] }>();
  #asking = false;
  #rounds: Disposable | undefined;
  #step: Disposable | undefined;

  constructor(parts: IdentityPullerParts) {
    this.#parts = parts;
  }

  /** Peers and offers of the round that goes on. */
  get sizes(): { readonly exchanges: number; readonly offers: number } {
    return { exchanges: this.#exchanges.size, offers: this.#offers.size };
  }

  start(): void {
    this.#rounds = every(this.#parts.timers, this.#parts.settings.pullIntervalMs, () => this.#greet());
  }

  [Symbol.dispose](): void {
    this.#rounds?.[Symbol.dispose]();
    this.#step?.[Symbol.dispose]();
    this.#finish();
  }

  /** What a neighbour has that was greeted in this round. */
  handleDigest(from: Neighbour, { nonce, digests }: gossip.DataDigest): void {
    const exchange = this.#exchanges.get(hex(from.pkiId));
    if (!this.#asking || exchange?.nonce !== nonce) return;
    for (const pkiId of digests.slice(0, MOST_OFFERED)) {
      if (pkiId.length !== PKI_ID_LENGTH || this.#parts.messages.has(pkiId)) continue;
      const key = hex(pkiId);
      const offer = this.#offers.get(key) ?? { pkiId: new Uint8Array(pkiId), by: [] };
      this.#offers.set(key, offer);
      if (!offer.by.includes(exchange.member)) offer.by.push(exchange.member);
    }
  }

  /** Identities that were asked for. One that is not genuine makes all of them worthless, as in Fabric. */
  async handleUpdate(from: Neighbour, { nonce, data }: gossip.DataUpdate): Promise<void> {
    const { work } = this.#parts;
    const exchange = this.#exchanges.get(hex(from.pkiId));
    if (exchange?.nonce !== nonce) return;
    const { asked } = exchange;
    exchange.asked = new Set(); // an answer comes once
    const genuine: IdentityMessage[] = [];
    for (const nested of data.slice(0, asked.size)) {
      if (isTooLarge(nested)) continue;
      if (!work.take(hex(from.pkiId))) break;
      const message = await this.#verified(nested, from);
      if (message === undefined) return;
      if (asked.has(hex(message.pkiId))) genuine.push(message);
    }
    for (const message of genuine) this.#take(message);
  }

  #take({ received, pkiId, identity }: IdentityMessage): void {
    const { identities, messages, log } = this.#parts;
    try {
      identities.put(pkiId, identity);
      messages.add(pkiId, received.envelope);
    } catch (thrown) {
      if (!(thrown instanceof SelvageError)) throw thrown;
      log.debug('Failed associating PKI-ID with certificate', { error: thrown.message.slice(0, 300) });
    }
  }

  async #verified(nested: gossip.Envelope, from: Neighbour): Promise<IdentityMessage | undefined> {
    try {
      const message = identityMessageIn(nested);
      if (message === undefined) throw new SelvageError('IDENTITY_INVALID', 'Got a non-identity message');
      await this.#parts.identities.verifyWith(message.identity, message.received);
      return message;
    } catch (thrown) {
      if (!(thrown instanceof SelvageError)) throw thrown;
      const details = { from: hex(from.pkiId), error: messageOf(thrown).slice(0, 300) };
      this.#parts.log.debug('Failed validating identity message', details);
      return undefined;
    }
  }

  #greet(): void {
    const { table, settings, random, timers, outbox, nonce } = this.#parts;
    this.#finish();
    this.#asking = true;
    for (const member of randomChoice(table.alive(), settings.pullPeers, random)) {
      const exchange = { member, nonce: nonce(), asked: new Set<string>() };
      this.#exchanges.set(member.key, exchange);
      const hello = pullEnvelope({ hello: { nonce: exchange.nonce, msgType: gossip.PullMsgType.IDENTITY_MSG } });
      outbox.send({ pkiId: member.pkiId, endpoint: preferredEndpoint(member) }, hello);
    }
    this.#step = timers.after(settings.digestWaitMs, () => this.#ask());
  }

  /** Each of what is missing from one of those who have it. */
  #ask(): void {
    const { random, outbox, timers, settings } = this.#parts;
    this.#asking = false;
    const wanted = new Map<Exchange, Uint8Array[]>();
    for (const { pkiId, by } of this.#offers.values()) {
      const [member] = randomChoice(by, 1, random);
      const exchange = member && this.#exchanges.get(member.key);
      if (exchange === undefined) continue;
      const digests = wanted.get(exchange) ?? [];
      wanted.set(exchange, digests);
      digests.push(pkiId);
    }
    this.#offers.clear();
    for (const [exchange, digests] of wanted) {
      exchange.asked = new Set(digests.map(hex));
      const { member, nonce } = exchange;
      const request = pullEnvelope({ dataReq: { nonce, digests, msgType: gossip.PullMsgType.IDENTITY_MSG } });
      outbox.send({ pkiId: member.pkiId, endpoint: preferredEndpoint(member) }, request);
    }
    this.#step = timers.after(settings.responseWaitMs, () => this.#finish());
  }

  #finish(): void {
    this.#step?.[Symbol.dispose]();
    this.#step = undefined;
    this.#asking = false;
    this.#exchanges.clear();
    this.#offers.clear();
  }
}
