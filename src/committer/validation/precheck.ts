import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import { common, protos } from '../../protos/messages.ts';
import { checkCreator } from './creator.ts';
import { checkTxId, type EndorserTransaction, readEndorserTransaction } from './endorser-transaction.ts';
import { type Invocation, readInvocation } from './invocation.ts';
import { type Checked, failed, passed } from './outcome.ts';
import type { ValidationRules } from './rules.ts';
import { readSignedPayload, type SignedPayload } from './signed-payload.ts';

const { INVALID_CONFIG_TRANSACTION, UNSUPPORTED_TX_PAYLOAD } = protos.TxValidationCode;

/** A transaction that passed what needs no state, and what is left to do with it. */
export type Candidate =
  | { readonly type: 'endorser'; readonly transaction: EndorserTransaction; readonly invocation: Checked<Invocation> }
  | { readonly type: 'config'; readonly signed: SignedPayload };

export interface Prechecked {
  /** As the channel header claims it; empty where there is none. */
  readonly txId: string;
  readonly candidate: Checked<Candidate>;
}

/**
 * Steps 1 to 7, which depend on the channel's configuration alone. Steps 9 to 15 are made here as well, as they need no state
 * either, but their verdict is kept: the look-up of step 8 comes before it.
 */
export async function precheck(bytes: Uint8Array, bundle: ChannelBundle, rules: ValidationRules): Promise<Prechecked> {
  const signed = readSignedPayload(bytes, rules);
  if (!signed.ok) return { txId: '', candidate: signed };
  const { txId } = signed.value.channelHeader;
  const creator = await checkCreator(signed.value, bundle);
  return { txId, candidate: creator.ok ? readCandidate(signed.value, rules) : creator };
}

function readCandidate(signed: SignedPayload, rules: ValidationRules): Checked<Candidate> {
  const { type } = signed.channelHeader;
  if (type === common.HeaderType.CONFIG) {
    return signed.payload.data.length === 0 ? failed(INVALID_CONFIG_TRANSACTION, 'nil arguments') : passed({ type: 'config', signed });
  }
  if (type !== common.HeaderType.ENDORSER_TRANSACTION) return failed(UNSUPPORTED_TX_PAYLOAD, `header type ${type}`, { headerType: type });
  const txId = checkTxId(signed);
  if (!txId.ok) return txId;
  const transaction = readEndorserTransaction(signed, rules);
  if (!transaction.ok) return transaction;
  return passed({ type: 'endorser', transaction: transaction.value, invocation: readInvocation(transaction.value, rules) });
}
