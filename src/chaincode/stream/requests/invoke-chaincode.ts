import { SelvageError } from '../../../common/errors.ts';
import { protos } from '../../../protos/messages.ts';
import { parseCalleeName } from '../callee-name.ts';
import type { TransactionContext } from '../transaction-context.ts';
import { type RequestParts, unmarshal } from './request.ts';

/**
 * INVOKE_CHAINCODE: runs another chaincode in the same transaction. A chainless transaction may only call system chaincode.
 * @returns bytes of the callee's COMPLETED or ERROR message
 * @see HandleInvokeChaincode in hyperledger/fabric v1.4, core/chaincode/handler.go
 */
export async function invokeChaincode(
  context: TransactionContext | undefined,
  payload: Uint8Array,
  parts: RequestParts,
): Promise<Uint8Array> {
  if (context?.signal.aborted === true || (context === undefined && payload.length === 0)) throw noTransaction();
  const { chaincodeId, input } = unmarshal(protos.ChaincodeSpec, payload);
  const { name, channelId } = parseCalleeName(chaincodeId?.name ?? '');
  if (!parts.calls.isSystem(name) && context?.call.simulator === undefined) throw noTransaction();
  if (context === undefined) throw new SelvageError('CHAINCODE_PROTOCOL', 'failed to get transaction context');
  const caller = context.call;
  if (caller.proposal.channelId !== '' && caller.simulator === undefined) throw noTransaction();
  const callee = { name, channelId: channelId === '' ? caller.proposal.channelId : channelId, input: input ?? {} };
  return parts.calls.call(caller, callee, { signal: context.signal });
}

const noTransaction = () => new SelvageError('CHAINCODE_PROTOCOL', 'could not get valid transaction');
