import { common, protos } from '../protos/messages.ts';
import type { Endorsed } from './plan.ts';
import type { ProposedTransaction } from './proposed-transaction.ts';

/**
 * The transaction that a client signs: the headers of its proposal, what it asked for without transient data, what came of it.
 * @see prepareTransaction in hyperledger/fabric v3.1, internal/pkg/gateway/submit.go
 */
export function preparedTransaction(proposed: ProposedTransaction, { payload, endorsements }: Endorsed): common.EnvelopeInit {
  const action = protos.ChaincodeActionPayload.encode({
    chaincodeProposalPayload: proposed.visiblePayload,
    action: { proposalResponsePayload: payload, endorsements },
  });
  const data = protos.Transaction.encode({ actions: [{ header: proposed.header.signatureHeader, payload: action }] });
  return { payload: common.Payload.encode({ header: proposed.header, data }) };
}
