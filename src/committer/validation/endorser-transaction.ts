import { equalBytes, sha256 } from '../../common/bytes.ts';
import { txIdOf } from '../../protos/hashes.ts';
import { common, protos } from '../../protos/messages.ts';
import { type Checked, failed, parsed, passed } from './outcome.ts';
import type { ValidationRules } from './rules.ts';
import { type SignedPayload, signatureHeaderFault } from './signed-payload.ts';

const { BAD_PROPOSAL_TXID, INVALID_ENDORSER_TRANSACTION } = protos.TxValidationCode;

/** An endorser transaction whose proposal hash holds together. */
export interface EndorserTransaction extends SignedPayload {
  readonly actionPayload: protos.ChaincodeActionPayload;
  readonly action: protos.ChaincodeEndorsedAction;
  readonly proposalResponse: protos.ProposalResponsePayload;
}

/** Step 5: the transaction id is the one that nonce and creator make. */
export function checkTxId({ channelHeader, signatureHeader }: SignedPayload): Checked<void> {
  const expected = txIdOf(signatureHeader.nonce, signatureHeader.creator);
  if (channelHeader.txId === expected) return passed(undefined);
  return failed(BAD_PROPOSAL_TXID, `invalid txid. got [${channelHeader.txId}], expected [${expected}]`, { expected });
}

/**
 * Step 6: exactly one action, and its proposal hash is that of the channel header, the action's own signature header and the
 * proposal payload.
 */
export function readEndorserTransaction(signed: SignedPayload, rules: ValidationRules): Checked<EndorserTransaction> {
  const actions = parsed(INVALID_ENDORSER_TRANSACTION, () => protos.Transaction.decode(signed.payload.data, rules).actions);
  if (!actions.ok) return actions;
  const [only] = actions.value;
  if (only === undefined || actions.value.length !== 1) {
    return invalid(`only one action per transaction is supported, tx contains ${actions.value.length}`);
  }
  const signatureHeader = parsed(INVALID_ENDORSER_TRANSACTION, () => common.SignatureHeader.decode(only.header, rules));
  if (!signatureHeader.ok) return signatureHeader;
  const fault = signatureHeaderFault(signatureHeader.value);
  if (fault !== undefined) return invalid(fault);
  return readAction(signed, only, rules);
}

function readAction(
  signed: SignedPayload,
  { header, payload }: protos.TransactionAction,
  rules: ValidationRules,
): Checked<EndorserTransaction> {
  const actionPayload = parsed(INVALID_ENDORSER_TRANSACTION, () => protos.ChaincodeActionPayload.decode(payload, rules));
  if (!actionPayload.ok) return actionPayload;
  const { action, chaincodeProposalPayload } = actionPayload.value;
  if (action === undefined) return invalid('no action in the ChaincodeActionPayload');
  const response = parsed(INVALID_ENDORSER_TRANSACTION, () => protos.ProposalResponsePayload.decode(action.proposalResponsePayload, rules));
  if (!response.ok) return response;
  const { channelHeader } = signed.header;
  if (channelHeader.length === 0 || header.length === 0 || chaincodeProposalPayload.length === 0) return invalid('nil arguments');
  if (!equalBytes(sha256(channelHeader, header, chaincodeProposalPayload), response.value.proposalHash)) {
    return invalid('proposal hash does not match');
  }
  return passed({ ...signed, actionPayload: actionPayload.value, action, proposalResponse: response.value });
}

const invalid = (message: string): Checked<never> => failed(INVALID_ENDORSER_TRANSACTION, message);
