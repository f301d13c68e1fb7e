import { utf8 } from '../../../common/bytes.ts';
import { SelvageError } from '../../../common/errors.ts';
import type { MaybePromise } from '../../../common/maybe.ts';
import type { protos } from '../../../protos/messages.ts';
import { Type, typeName } from '../message-types.ts';
import type { TransactionContext } from '../transaction-context.ts';
import { invokeChaincode } from './invoke-chaincode.ts';
import { getHistoryForKey, getQueryResult, getStateByRange, queryStateClose, queryStateNext } from './queries.ts';
import { getPrivateDataHash, getState, getStateMetadata, getStateMultiple } from './reads.ts';
import type { RequestHandler, RequestParts } from './request.ts';
import { delState, purgePrivateData, putState, putStateMetadata, writeBatch } from './writes.ts';

/** Who serves which message type; INVOKE_CHAINCODE alone can do without state and is not in here. */
const HANDLERS: ReadonlyMap<number, RequestHandler> = new Map<number, RequestHandler>([
  [Type.GET_STATE, getState],
  [Type.GET_STATE_MULTIPLE, getStateMultiple],
  [Type.GET_STATE_METADATA, getStateMetadata],
  [Type.GET_PRIVATE_DATA_HASH, getPrivateDataHash],
  [Type.PUT_STATE, putState],
  [Type.DEL_STATE, delState],
  [Type.PUT_STATE_METADATA, putStateMetadata],
  [Type.PURGE_PRIVATE_DATA, purgePrivateData],
  [Type.WRITE_BATCH_STATE, writeBatch],
  [Type.GET_STATE_BY_RANGE, getStateByRange],
  [Type.GET_QUERY_RESULT, getQueryResult],
  [Type.GET_HISTORY_FOR_KEY, getHistoryForKey],
  [Type.QUERY_STATE_NEXT, queryStateNext],
  [Type.QUERY_STATE_CLOSE, queryStateClose],
]);

/**
 * Serves one request and says what to send back: RESPONSE, or ERROR with Fabric's text. Never rejects, never ends the transaction.
 * @param context the transaction it names, undefined when there is none
 */
export function answer(
  request: protos.ChaincodeMessage,
  context: TransactionContext | undefined,
  parts: RequestParts,
): MaybePromise<Answer> {
  try {
    const payload = serve(request, context, parts);
    if (!(payload instanceof Promise)) return response(request, payload);
    return payload.then(
      (bytes) => response(request, bytes),
      (thrown: unknown) => refusal(request, thrown),
    );
  } catch (thrown) {
    return refusal(request, thrown);
  }
}

/** What is sent back, and why when it is a refusal. */
export interface Answer {
  readonly message: protos.ChaincodeMessageInit;
  readonly error?: SelvageError;
}

const response = ({ txid, channelId }: protos.ChaincodeMessage, payload: Uint8Array): Answer => ({
  message: { type: Type.RESPONSE, payload, txid, channelId },
});

function refusal({ type, txid, channelId }: protos.ChaincodeMessage, thrown: unknown): Answer {
  const error = SelvageError.from(thrown);
  const text = `${typeName(type)} failed: transaction ID: ${txid}: ${error.message}`;
  return { message: { type: Type.ERROR, payload: utf8(text), txid, channelId }, error };
}

function serve(request: protos.ChaincodeMessage, context: TransactionContext | undefined, parts: RequestParts): MaybePromise<Uint8Array> {
  if (request.type === Type.INVOKE_CHAINCODE) return invokeChaincode(request, context, parts);
  const simulator = context?.call.simulator;
  if (context === undefined || context.over || simulator === undefined) throw new SelvageError('CHAINCODE_PROTOCOL', 'no ledger context');
  const handler = HANDLERS.get(request.type);
  if (handler === undefined) throw new SelvageError('INTERNAL', `nobody serves ${typeName(request.type)}`);
  return handler({ context, simulator, payload: request.payload, parts });
}
