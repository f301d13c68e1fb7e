import { textOf } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { protos } from '../protos/messages.ts';
import type { ChaincodeCall, ChaincodeOutcome } from './chaincodes.ts';
import { Type } from './stream/message-types.ts';

/**
 * What a chaincode's COMPLETED or ERROR means for the client. The event's chaincode id and transaction id are the peer's:
 * chaincode is not believed what it says of itself.
 * @throws {SelvageError} `CHAINCODE_FAILED` `transaction returned with failure: …` for ERROR; `CHAINCODE_PROTOCOL` for a COMPLETED
 *   without a readable response
 * @see processChaincodeExecutionResult in hyperledger/fabric v1.4, core/chaincode/chaincode_support.go; texts of v1.1
 */
export function outcomeOf(
  { type, payload, chaincodeEvent }: Pick<protos.ChaincodeMessage, 'type' | 'payload' | 'chaincodeEvent'>,
  { chaincode, proposal }: ChaincodeCall,
): ChaincodeOutcome {
  if (type === Type.ERROR) throw new SelvageError('CHAINCODE_FAILED', `transaction returned with failure: ${textOf(payload)}`);
  const response = responseOf(payload, proposal.txId);
  const event = chaincodeEvent && { ...chaincodeEvent, chaincodeId: chaincode.name, txId: proposal.txId };
  return { response, event };
}

function responseOf(payload: Uint8Array, txId: string): protos.Response {
  try {
    return protos.Response.decode(payload);
  } catch (cause) {
    throw new SelvageError('CHAINCODE_PROTOCOL', `failed to unmarshal response for txid (${txId})`, { cause });
  }
}
