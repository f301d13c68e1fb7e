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
  { payload, channelId }: protos.ChaincodeMessage,
  context: TransactionContext | undefined,
  parts: RequestParts,
): Promise<Uint8Array> {
  const stateless = context?.call.simulator === undefined;
  if (context?.over === true || (stateless && channelId !== '')) throw noTransaction();
  const { chaincodeId, input } = unmarshal(protos.ChaincodeSpec, payload);
  const callee = parseCalleeName(chaincodeId?.name ?? '');
  if (stateless && !parts.calls.isSystem(callee.name)) throw noTransaction();
  if (context === undefined) throw new SelvageError('CHAINCODE_PROTOCOL', 'failed to get transaction context');
  const target = { name: callee.name, channelId: callee.channelId === '' ? channelId : callee.channelId, input: input ?? {} };
  return parts.calls.call(context.call, target, { signal: context.signal });
}

const noTransaction = () => new SelvageError('CHAINCODE_PROTOCOL', 'could not get valid transaction');
