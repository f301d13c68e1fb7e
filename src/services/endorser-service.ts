import type { Method } from '../comm/method.ts';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { protos } from '../protos/messages.ts';

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
        protos.ProposalResponse.encode(await processor.processProposal(signedProposalOf(request), context)),
    },
  ];
}

/** A request that is no SignedProposal at all never reaches a Go peer's endorser: its gRPC library refuses it (recorded). */
function signedProposalOf(request: Uint8Array): protos.SignedProposal {
  try {
    return protos.SignedProposal.decode(request);
  } catch (cause) {
    throw new SelvageError('INTERNAL', 'grpc: error unmarshalling request: unexpected EOF', { cause });
  }
}
