import type { Method } from '../comm/method.ts';
import type { Cancellable } from '../common/cancel.ts';
import { protos } from '../protos/messages.ts';
import { requested } from './received.ts';

/** Answers proposals; the endorser behind its chain of auth filters. */
export interface ProposalProcessor {
  processProposal(signed: protos.SignedProposal, options: Cancellable): Promise<protos.ProposalResponseInit>;
}

/** `protos.Endorser`: what every SDK and the `peer` command call. */
export function endorserService(processor: ProposalProcessor): Method[] {
  return [
    {
      kind: 'unary',
      path: '/protos.Endorser/ProcessProposal',
      handle: async (request, context) =>
        protos.ProposalResponse.encode(await processor.processProposal(requested(protos.SignedProposal, request), context)),
    },
  ];
}
