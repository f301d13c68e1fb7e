import type { Channels } from '../../channel/channel.ts';
import { dialectOn } from '../../channel/dialect.ts';
import { sha256 } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import type { Clock } from '../../common/clock.ts';
import { LruCache } from '../../common/lru.ts';
import { expiryOf } from '../../msp/identities/serialized-identity.ts';
import { common, protos } from '../../protos/messages.ts';
import { OF_STRANGERS } from '../../protos/wire.ts';
import { readPart } from '../proposal.ts';
import { reading, refusal } from '../refusal.ts';
import type { AuthFilter, ProposalProcessor } from './filters.ts';

const NEVER = Number.POSITIVE_INFINITY;

/**
 * Refuses creators whose certificate has expired. An MSP does not look at expiry, since old blocks must stay valid, so
 * nothing else stops them. A creator that holds no PEM certificate (idemix, garbage) is left to the later checks.
 * @see core/handlers/auth/filter/expiration.go in hyperledger/fabric v1.1 and v2.5
 */
export class ExpirationCheck implements AuthFilter {
  readonly #clock: Clock;
  readonly #channels: Channels;
  /** Milliseconds of notAfter by the hash of a creator: parsing a certificate costs more than the rest of the filter. */
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
    const { header, creator } = creatorOf(signed);
    if (this.#expiryOf(creator) < this.#clock.now().getTime()) throw refusal(this.#textFor(header));
    return next.processProposal(signed, options);
  }

  #textFor({ channelHeader }: common.Header): string {
    const { channelId } = reading('', () => common.ChannelHeader.decode(channelHeader, OF_STRANGERS));
    return dialectOn(this.#channels, channelId) === '1.1' ? 'identity expired' : 'proposal client identity expired';
  }

  #expiryOf(creator: Uint8Array): number {
    const key = Buffer.from(sha256(creator)).toString('base64'); // nobody has proved yet to be that creator, who may be of any length
    const cached = this.#expiries.get(key);
    if (cached !== undefined) return cached;
    const expiry = expiryOf(creator)?.getTime() ?? NEVER;
    this.#expiries.set(key, expiry);
    return expiry;
  }
}

function creatorOf({ proposalBytes }: protos.SignedProposal): { readonly header: common.Header; readonly creator: Uint8Array } {
  const proposal = reading('failed parsing proposal: ', () => readPart(protos.Proposal, proposalBytes, '2.x'));
  const header = reading('failed parsing header: ', () => readPart(common.Header, proposal.header, '2.x'));
  const read = () => readPart(common.SignatureHeader, header.signatureHeader, '2.x');
  return { header, creator: reading('failed parsing signature header: ', read).creator };
}
