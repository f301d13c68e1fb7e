import { equalBytes } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { Signer } from '../msp/identity.ts';
import { common, protos } from '../protos/messages.ts';
import type { ClientProposal } from './proposal.ts';

/**
 * Makes the transaction that an orderer takes from a proposal and its endorsements.
 *
 * @returns `common.Envelope` bytes, signed
 * @throws {SelvageError} `REFUSED_BY_PEER` when an endorser refused or two endorsers disagree
 * @see CreateSignedTx in hyperledger/fabric v2.5, protoutil/txutils.go
 */
export async function assembleTransaction(
  signer: Signer,
  proposal: ClientProposal,
  responses: readonly protos.ProposalResponse[],
): Promise<Uint8Array> {
  const payload = agreedPayload(responses);
  const action = protos.ChaincodeActionPayload.encode({
    chaincodeProposalPayload: proposal.visiblePayload,
    action: { proposalResponsePayload: payload, endorsements: responses.flatMap((each) => each.endorsement ?? []) },
  });
  const data = protos.Transaction.encode({ actions: [{ header: proposal.header.signatureHeader, payload: action }] });
  return signEnvelope(signer, common.Payload.encode({ header: proposal.header, data }));
}

/** `common.Envelope` bytes around a `common.Payload`. */
export async function signEnvelope(signer: Signer, payload: Uint8Array): Promise<Uint8Array> {
  return common.Envelope.encode({ payload, signature: await signer.sign(payload) });
}

function agreedPayload(responses: readonly protos.ProposalResponse[]): Uint8Array {
  const [first] = responses;
  if (first === undefined) throw new SelvageError('REFUSED_BY_PEER', 'no endorsement to make a transaction of');
  for (const { response, payload } of responses) {
    const status = response?.status ?? 0;
    if (status < 200 || status >= 400) {
      throw new SelvageError(
        'REFUSED_BY_PEER',
        `could not assemble transaction: proposal response was not successful, error code ${status}, msg ${response?.message ?? ''}`,
      );
    }
    if (!equalBytes(payload, first.payload)) {
      throw new SelvageError(
        'REFUSED_BY_PEER',
        'could not assemble transaction: ProposalResponsePayloads do not match: the endorsers saw different state or the chaincode is not deterministic',
        {
          advice: 'Try again; if it happens every time, `selvage diff` with the same -C, -n and -c shows where they differ.',
        },
      );
    }
  }
  return first.payload;
}
