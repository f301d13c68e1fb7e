import { SelvageError } from '../common/errors.ts';
import { unreadable } from '../protos/unreadable.ts';

/**
 * A message of a stream. One that does not parse never reaches a Go server: its gRPC library ends the call.
 * @throws {SelvageError} `REQUEST_UNREADABLE` with the text of that library
 */
export function received<T>(codec: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T {
  return decoded(codec, bytes, 'failed to unmarshal the received message');
}

/** The one message of a call that is no stream. @throws {SelvageError} as {@link received} */
export function requested<T>(codec: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T {
  return decoded(codec, bytes, 'error unmarshalling request');
}

function decoded<T>(codec: { decode(bytes: Uint8Array): T }, bytes: Uint8Array, failure: string): T {
  try {
    return codec.decode(bytes);
  } catch (cause) {
    throw new SelvageError('REQUEST_UNREADABLE', `grpc: ${failure}: ${unreadable(cause)}`, { cause });
  }
}
