import { X509Certificate } from 'node:crypto';
import type { Cancellable } from '../../common/cancel.ts';
import type { Clock } from '../../common/clock.ts';
import { LruCache } from '../../common/lru.ts';
import { common, msp, protos } from '../../protos/messages.ts';
import { reading, refusal } from '../refusal.ts';
import type { AuthFilter, ProposalProcessor } from './filters.ts';

const NEVER = Number.POSITIVE_INFINITY;

/**
 * Refuses creators whose certificate has expired. An MSP does not look at expiry, since old blocks must stay valid, so
 * nothing else stops them. A creator that holds no PEM certificate (idemix, garbage) is left to the later checks.
 * @see core/handlers/auth/filter/expiration.go in hyperledger/fabric v1.1
 */
export class ExpirationCheck implements AuthFilter {
  readonly #clock: Clock;
  /** Milliseconds of notAfter by creator bytes: parsing a certificate costs more than the rest of the filter. */
  readonly #expiries = new LruCache<string, number>(1_000);

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  async processProposal(
    signed: protos.SignedProposal,
    options: Cancellable,
    next: ProposalProcessor,
  ): Promise<protos.ProposalResponseInit> {
    const expiry = this.#expiryOf(creatorOf(signed));
    if (expiry < this.#clock.now().getTime()) throw refusal('identity expired');
    return next.processProposal(signed, options);
  }

  #expiryOf(creator: Uint8Array): number {
    const key = Buffer.from(creator).toString('latin1');
    const cached = this.#expiries.get(key);
    if (cached !== undefined) return cached;
    const expiry = expiryOf(creator);
    this.#expiries.set(key, expiry);
    return expiry;
  }
}

function creatorOf({ proposalBytes }: protos.SignedProposal): Uint8Array {
  const proposal = reading('failed parsing proposal: ', () => protos.Proposal.decode(proposalBytes));
  const header = reading('failed parsing header: ', () => common.Header.decode(proposal.header));
  return reading('failed parsing signature header: ', () => common.SignatureHeader.decode(header.signatureHeader)).creator;
}

function expiryOf(creator: Uint8Array): number {
  try {
    const { idBytes } = msp.SerializedIdentity.decode(creator);
    const expiry = Date.parse(new X509Certificate(idBytes).validTo);
    return Number.isNaN(expiry) ? NEVER : expiry;
  } catch {
    return NEVER;
  }
}
