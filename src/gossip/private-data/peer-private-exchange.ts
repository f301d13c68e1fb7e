import { randomBytes } from 'node:crypto';
import { hex, textOf, utf8 } from '../../common/bytes.ts';
import { type Cancellable, orAbort } from '../../common/cancel.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { Refusals } from '../../common/refusals.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import { gossip } from '../../protos/messages.ts';
import type { Links, Neighbour } from '../links.ts';
import type { Member } from '../peers.ts';
import type { PrivateDataExchange, PrivateDataHandler } from '../private-exchange.ts';
import { readEnvelope, unsignedEnvelope } from '../wire/envelope.ts';
import { ackEnvelope, answerEnvelope } from './answers.ts';
import { RequestTurns } from './request-turns.ts';
import { WaitingAcks } from './waiting-acks.ts';
import { WaitingPulls } from './waiting-pulls.ts';

const { CHAN_ONLY } = gossip.GossipMessage_Tag;
const READERS = '/Channel/Application/Readers';

export interface PeerPrivateExchangeParts {
  readonly links: Links;
  /** The configuration in force of a channel that this peer has joined. */
  readonly bundleOf: (channelId: string) => ChannelBundle | undefined;
  readonly log: Logger;
}

/**
 * Private data between peers, over their streams.
 * @see hyperledger/fabric v2.5, gossip/comm/ack.go, gossip/privdata/pull.go and gossip/state/state.go
 */
export class PeerPrivateExchange implements PrivateDataExchange, Disposable {
  readonly #parts: PeerPrivateExchangeParts;
  readonly #acks = new WaitingAcks();
  readonly #pulls = new WaitingPulls();
  readonly #turns = new RequestTurns();
  readonly #refusals: Refusals;
  readonly #listening: Disposable;
  #handler: PrivateDataHandler | undefined;

  constructor(parts: PeerPrivateExchangeParts) {
    this.#parts = parts;
    this.#refusals = new Refusals(parts.log, 'private data was not taken from a peer');
    this.#listening = parts.links.onEnvelope((from, envelope) => this.#hear(from, envelope));
  }

  async push(to: Member, channelId: string, payload: gossip.PrivatePayloadInit, { signal }: Cancellable): Promise<void> {
    const nonce = newNonce();
    const envelope = unsignedEnvelope({ nonce, channel: utf8(channelId), tag: CHAN_ONLY, privateData: { payload } });
    using waiting = this.#acks.expect(to.pkiId, nonce);
    await this.#parts.links.send(destinationOf(to), envelope, { lossy: false, signal });
    const error = await orAbort(waiting.word, signal);
    if (error !== '') throw new SelvageError('REFUSED_BY_PEER', error, { details: { mspId: to.mspId, endpoint: to.endpoint } });
  }

  async pull(
    to: Member,
    channelId: string,
    digests: readonly gossip.PvtDataDigestInit[],
    { signal }: Cancellable,
  ): Promise<readonly gossip.PvtDataElement[]> {
    const nonce = newNonce();
    const envelope = unsignedEnvelope({ nonce, channel: utf8(channelId), tag: CHAN_ONLY, privateReq: { digests } });
    using waiting = this.#pulls.expect(to.pkiId, nonce, digests);
    await this.#parts.links.send(destinationOf(to), envelope, { lossy: false, signal });
    return await orAbort(waiting.elements, signal);
  }

  serve(handler: PrivateDataHandler): Disposable {
    this.#handler = handler;
    return {
      [Symbol.dispose]: () => {
        if (this.#handler === handler) this.#handler = undefined;
      },
    };
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }

  /** Words are passed on at once; what is asked takes its turn, so that nobody makes this peer work on very much at a time. */
  #hear(from: Neighbour, envelope: Uint8Array): Promise<void> | undefined {
    const { message } = readEnvelope(envelope);
    const { ack, privateRes, privateReq, privateData, nonce } = message;
    if (ack !== undefined) this.#acks.settle(from.pkiId, nonce, ack.error);
    else if (privateRes !== undefined) this.#pulls.settle(from.pkiId, nonce, privateRes.elements);
    else if (privateReq !== undefined) return this.#turns.take(from.pkiId, () => this.#answer(from, message, privateReq.digests));
    else if (privateData !== undefined) return this.#receive(from, message, privateData.payload);
    return undefined;
  }

  async #receive(from: Neighbour, message: gossip.GossipMessage, payload: gossip.PrivatePayload | undefined): Promise<void> {
    const channelId = textOf(message.channel);
    const bundle = this.#parts.bundleOf(channelId);
    if (this.#handler === undefined || bundle === undefined) return;
    const why = payload === undefined || payload.privateRwset.length === 0 ? 'it is malformed' : await notReader(from, bundle);
    if (why !== undefined || payload === undefined) {
      this.#refusals.note({ channel: channelId, mspId: from.mspId, pkiId: hex(from.pkiId), why });
      return;
    }
    const answer = await this.#kept(this.#handler, payload, channelId, from);
    if (answer !== 'silence') await this.#parts.links.reply(from, ackEnvelope(message.nonce, answer?.refused ?? ''));
  }

  async #kept(handler: PrivateDataHandler, payload: gossip.PrivatePayload, channelId: string, from: Neighbour) {
    try {
      return await handler.received(payload, channelId, from);
    } catch (thrown) {
      this.#parts.log.error('private data of a peer could not be kept', { channel: channelId, error: thrown });
      return { refused: thrown instanceof SelvageError ? thrown.message : 'internal error' };
    }
  }

  async #answer(from: Neighbour, message: gossip.GossipMessage, digests: readonly gossip.PvtDataDigest[]): Promise<void> {
    const channelId = textOf(message.channel);
    if (this.#handler === undefined || this.#parts.bundleOf(channelId) === undefined) return;
    const elements = await this.#found(this.#handler, digests, channelId, from);
    await this.#parts.links.reply(from, answerEnvelope(message, elements));
  }

  async #found(handler: PrivateDataHandler, digests: readonly gossip.PvtDataDigest[], channelId: string, from: Neighbour) {
    try {
      return await handler.asked(digests, channelId, from);
    } catch (thrown) {
      this.#parts.log.error('private data that a peer asked for could not be read', { channel: channelId, error: messageOf(thrown) });
      return [];
    }
  }
}

/** Who is no reader of the channel gives this peer nothing: its handshake is the proof. */
async function notReader({ handshake, identity }: Neighbour, bundle: ChannelBundle): Promise<string | undefined> {
  const { payload: data, signature } = handshake;
  const verdict = await bundle.policies.get(READERS).evaluate([{ data, identity, signature }]);
  return verdict.ok ? undefined : verdict.reason;
}

const destinationOf = ({ pkiId, internalEndpoint, endpoint }: Member) => ({ pkiId, endpoint: internalEndpoint ?? endpoint });

/** Random and not 0, by which a word finds its push. */
function newNonce(): bigint {
  const nonce = randomBytes(8).readBigUInt64BE();
  return nonce === 0n ? 1n : nonce;
}
