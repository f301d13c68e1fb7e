/** What stands between the service and the endorser: filters that may refuse a proposal or pass it on. */
import type { Cancellable } from '../../common/cancel.ts';
import type { protos } from '../../protos/messages.ts';

/** Answers a signed proposal. The endorser is one, and so is a chain of filters with the endorser at its end. */
export interface ProposalProcessor {
  processProposal(signed: protos.SignedProposal, options: Cancellable): Promise<protos.ProposalResponseInit>;
}

/** Decides whether `next` is asked. What it throws goes to the client unchanged. */
export interface AuthFilter {
  processProposal(signed: protos.SignedProposal, options: Cancellable, next: ProposalProcessor): Promise<protos.ProposalResponseInit>;
}

/**
 * The filters in order, the first one outermost.
 * @see ChainFilters in hyperledger/fabric v1.1, core/handlers/auth/auth.go
 */
export const chainFilters = (filters: readonly AuthFilter[], endorser: ProposalProcessor): ProposalProcessor =>
  filters.reduceRight<ProposalProcessor>(
    (next, filter) => ({ processProposal: (signed, options) => filter.processProposal(signed, options, next) }),
    endorser,
  );

/** Passes everything on: `DefaultAuth`. */
export const defaultAuth: AuthFilter = { processProposal: (signed, options, next) => next.processProposal(signed, options) };
