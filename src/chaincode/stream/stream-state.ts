import { SelvageError } from '../../common/errors.ts';
import { shortTxId, Type, typeName } from './message-types.ts';

/** Where one chaincode stream is in its life. Only `ready` takes transactions. */
export type StreamState =
  | { readonly at: 'created' }
  | { readonly at: 'established'; readonly ccid: string }
  | { readonly at: 'ready'; readonly ccid: string }
  | { readonly at: 'ended'; readonly reason: SelvageError };

export type StreamEvent =
  /** REGISTER was accepted. */
  | { readonly type: 'registered'; readonly ccid: string }
  /** REGISTERED and READY were sent. */
  | { readonly type: 'readied' }
  | { readonly type: 'ended'; readonly reason: SelvageError };

/**
 * The next state. Pure; the stream performs the effects. The first end is the one that counts.
 * @throws {SelvageError} `INTERNAL` for an event the state does not expect: a bug in the caller
 */
export function next(state: StreamState, event: StreamEvent): StreamState {
  if (state.at === 'ended') return state;
  if (event.type === 'ended') return { at: 'ended', reason: event.reason };
  if (state.at === 'created' && event.type === 'registered') return { at: 'established', ccid: event.ccid };
  if (state.at === 'established' && event.type === 'readied') return { at: 'ready', ccid: state.ccid };
  throw new SelvageError('INTERNAL', `the chaincode stream is ${state.at}; ${event.type} is not expected`);
}

/** What to do with a message that arrived. */
export type Verdict =
  | { readonly do: 'register' }
  | { readonly do: 'serve' }
  | { readonly do: 'finish' }
  | { readonly do: 'ignore' }
  | { readonly do: 'refuse'; readonly text: string };

/** GET_STATE … GET_STATE_MULTIPLE: what chaincode may ask while a transaction runs. */
const REQUESTS: ReadonlySet<number> = new Set([
  Type.GET_STATE,
  Type.PUT_STATE,
  Type.DEL_STATE,
  Type.INVOKE_CHAINCODE,
  Type.GET_STATE_BY_RANGE,
  Type.GET_QUERY_RESULT,
  Type.QUERY_STATE_NEXT,
  Type.QUERY_STATE_CLOSE,
  Type.GET_HISTORY_FOR_KEY,
  Type.GET_STATE_METADATA,
  Type.PUT_STATE_METADATA,
  Type.GET_PRIVATE_DATA_HASH,
  Type.PURGE_PRIVATE_DATA,
  Type.WRITE_BATCH_STATE,
  Type.GET_STATE_MULTIPLE,
]);

/**
 * What a message of this type means in this state. A refusal ends the stream.
 * @see handleMessage in hyperledger/fabric v2.5, core/chaincode/handler.go
 */
export function judge(state: StreamState, type: number, txId: string): Verdict {
  if (state.at === 'ended' || type === Type.KEEPALIVE) return { do: 'ignore' };
  if (state.at === 'created' && type === Type.REGISTER) return { do: 'register' };
  if (state.at === 'ready' && REQUESTS.has(type)) return { do: 'serve' };
  if (state.at === 'ready' && (type === Type.COMPLETED || type === Type.ERROR)) return { do: 'finish' };
  return {
    do: 'refuse',
    text: `[${shortTxId(txId)}] Fabric side handler cannot handle message (${typeName(type)}) while in ${state.at} state`,
  };
}
