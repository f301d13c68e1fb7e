import type { Channels } from '../../channel/channel.ts';
import { dialectOn } from '../../channel/dialect.ts';
import { latin1Of } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import type { Clock } from '../../common/clock.ts';
import { LruCache } from '../../common/lru.ts';
import { expiryOf } from '../../msp/identities/serialized-identity.ts';
import { common, type protos } from '../../protos/messages.ts';
import { OF_STRANGERS } from '../../protos/wire.ts';
import { type ProposalParts, partsOf } from '../proposal.ts';
import { reading, refusal } from '../refusal.ts';
import type { AuthFilter, ProposalProcessor } from './filters.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** Bytes of a creator that is remembered. */
const MAX_CACHED_LENGTH = 8_192;

/**
 * Refuses creators whose certificate has expired. An MSP does not look at expiry, since old blocks must stay valid, so
 * nothing else stops them. A creator that holds no PEM certificate (idemix, garbage) is left to the later checks.
 * @see core/handlers/auth/filter/expiration.go in hyperledger/fabric v1.1 and v2.5
 */
export class ExpirationCheck implements AuthFilter {
  readonly #clock: Clock;
  readonly #channels: Channels;
  /** Milliseconds of notAfter by the bytes of a creator: parsing a certificate costs more than the rest of the filter. */
  readonly #expiries = new LruCache<string, number>(1_000);

  constructor({ clock, channels }: { readonly clock: Clock; readonly channels: Channels }) {
    this.#clock = clock;
    this.#channels = channels;
  }

  async processProposal(
    signed: protos.SignedProposal,
    options: Cancellable,
    next: ProposalProcessor,
  ): Promise<protos.ProposalResponseInit> {
    const parts = partsOf(signed);
    if (this.#expiryOf(creatorOf(parts)) < this.#clock.now().getTime()) throw refusal(this.#textFor(parts.header));
    return next.processProposal(signed, options);
  }

  #textFor({ channelHeader }: common.Header): string {
    const { channelId } = reading('', () => common.ChannelHeader.decode(channelHeader, OF_STRANGERS));
    return dialectOn(this.#channels, channelId) === '1.1' ? 'identity expired' : 'proposal client identity expired';
  }

  #expiryOf(creator: Uint8Array): number {
    if (creator.length > MAX_CACHED_LENGTH) return expiryOf(creator)?.getTime() ?? NEVER; // nobody has proved yet to be that creator
    const key = latin1Of(creator);
    const cached = this.#expiries.get(key);
    if (cached !== undefined) return cached;
    const expiry = expiryOf(creator)?.getTime() ?? NEVER;
    this.#expiries.set(key, expiry);
    return expiry;
  }
}

function creatorOf(parts: ProposalParts): Uint8Array {
  reading('failed parsing proposal: ', () => parts.proposal);
  reading('failed parsing header: ', () => parts.header);
  return reading('failed parsing signature header: ', () => parts.signatureHeader).creator;
}
