import { SelvageError } from '../common/errors.ts';

/** Where one chaincode is in its life on this peer. Only `ready` takes transactions. */
export type ChaincodeState =
  | { readonly at: 'stopped'; readonly reason?: SelvageError }
  | { readonly at: 'launching'; readonly sinceMs: number }
  | { readonly at: 'ready'; readonly streamId: string }
  | { readonly at: 'stopping' };

export type ChaincodeEvent =
  | { readonly type: 'launch'; readonly nowMs: number }
  /** Its stream takes transactions. */
  | { readonly type: 'registered'; readonly streamId: string }
  /** Its stream or its process ended, or somebody wants it to. */
  | { readonly type: 'stop' }
  /** Nothing of it runs any more. */
  | { readonly type: 'ended'; readonly reason?: SelvageError };

/**
 * The next state. Pure: the supervisor performs the effects, this only says what is true afterwards.
 * @throws {SelvageError} `INTERNAL` for an event the state does not expect; that is a bug in the caller
 */
export function next(state: ChaincodeState, event: ChaincodeEvent): ChaincodeState {
  if (event.type === 'ended') return { at: 'stopped', ...(event.reason && { reason: event.reason }) };
  switch (state.at) {
    case 'stopped':
      if (event.type === 'launch') return { at: 'launching', sinceMs: event.nowMs };
      break;
    case 'launching':
      if (event.type === 'registered') return { at: 'ready', streamId: event.streamId };
      if (event.type === 'stop') return { at: 'stopping' };
      break;
    case 'ready':
      if (event.type === 'stop') return { at: 'stopping' };
      break;
    case 'stopping':
      break;
    default:
      return state satisfies never;
  }
  throw new SelvageError('INTERNAL', `chaincode is ${state.at}; ${event.type} is not expected`);
}
