import { protos } from '../../protos/messages.ts';
import type { EndorserTransaction } from './endorser-transaction.ts';
import { type Checked, failed, parsed, passed } from './outcome.ts';
import { type NamespaceSet, readWriteSet, repeatedNamespace } from './read-write-set.ts';
import type { ValidationRules } from './rules.ts';

const { BAD_HEADER_EXTENSION, BAD_RESPONSE_PAYLOAD, BAD_RWSET, ILLEGAL_WRITESET, INVALID_CHAINCODE, INVALID_OTHER_REASON } =
  protos.TxValidationCode;

/** Which chaincode an endorser transaction invoked, and what came of it. */
export interface Invocation {
  readonly transaction: EndorserTransaction;
  readonly chaincode: string;
  readonly version: string;
  readonly sets: readonly NamespaceSet[];
}

/**
 * Steps 9 to 15: header extension, response payload, read-write set, chaincode ids, event.
 * @see VSCCValidateTx in hyperledger/fabric v1.1, core/committer/txvalidator/validator.go; Dispatch in v2.5,
 *   core/committer/txvalidator/v20/plugindispatcher/dispatcher.go
 */
export function readInvocation(transaction: EndorserTransaction, rules: ValidationRules): Checked<Invocation> {
  const extension = parsed(BAD_HEADER_EXTENSION, () => protos.ChaincodeHeaderExtension.decode(transaction.channelHeader.extension, rules));
  if (!extension.ok) return extension;
  const action = readChaincodeAction(transaction, rules);
  if (!action.ok) return action;
  const sets = parsed(BAD_RWSET, () => readWriteSet(action.value.results, rules));
  if (!sets.ok) return sets;
  const chaincode = checkChaincodeIds(extension.value.chaincodeId, action.value.chaincodeId, rules);
  if (!chaincode.ok) return chaincode;
  const event = checkEvent(action.value.events, chaincode.value.chaincode, rules);
  if (!event.ok) return event;
  const repeated = repeatedNamespace(sets.value);
  if (repeated !== undefined) {
    return failed(ILLEGAL_WRITESET, `duplicate namespace '${repeated}' in txRWSet`, { namespace: repeated });
  }
  return passed({ transaction, ...chaincode.value, sets: sets.value });
}

function readChaincodeAction({ action, proposalResponse }: EndorserTransaction, rules: ValidationRules): Checked<protos.ChaincodeAction> {
  if (action.proposalResponsePayload.length === 0) return failed(BAD_RESPONSE_PAYLOAD, 'no payload in ChaincodeActionPayload');
  if (proposalResponse.extension.length === 0) return failed(BAD_RESPONSE_PAYLOAD, 'response payload is missing extension');
  return parsed(BAD_RESPONSE_PAYLOAD, () => protos.ChaincodeAction.decode(proposalResponse.extension, rules));
}

function checkChaincodeIds(
  invoked: protos.ChaincodeID | undefined,
  executed: protos.ChaincodeID | undefined,
  { validator }: ValidationRules,
): Checked<{ readonly chaincode: string; readonly version: string }> {
  if (invoked === undefined) return failed(INVALID_OTHER_REASON, 'nil ChaincodeId in header extension');
  if (executed === undefined) return failed(INVALID_OTHER_REASON, 'nil ChaincodeId in ChaincodeAction');
  const code = validator === 'v20' ? INVALID_CHAINCODE : INVALID_OTHER_REASON;
  if (invoked.name === '') return failed(code, 'invalid chaincode ID');
  if (invoked.name !== executed.name) {
    const details = { invoked: invoked.name, executed: executed.name };
    return failed(code, `inconsistent ccid info (${invoked.name}/${executed.name})`, details);
  }
  if (executed.version === '') return failed(code, 'invalid chaincode version', { chaincode: invoked.name });
  return passed({ chaincode: invoked.name, version: executed.version });
}

/** Step 14; below `V1_2` nobody looks at the event. */
function checkEvent(events: Uint8Array, chaincode: string, rules: ValidationRules): Checked<void> {
  if (events.length === 0 || (rules.validator === 'v14' && !rules.capabilities.v12Validation)) return passed(undefined);
  const event = parsed(INVALID_OTHER_REASON, () => protos.ChaincodeEvent.decode(events, rules));
  if (!event.ok) return event;
  if (event.value.chaincodeId === chaincode) return passed(undefined);
  const details = { event: event.value.chaincodeId, chaincode };
  return failed(INVALID_OTHER_REASON, 'chaincode event chaincode id does not match chaincode action chaincode id', details);
}
