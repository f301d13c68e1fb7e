import { SelvageError } from '../common/errors.ts';
import { unreadable } from '../protos/unreadable.ts';
import { type DecodeOptions, OF_STRANGERS } from '../protos/wire.ts';

type Decoder<T> = { decode(bytes: Uint8Array, options: DecodeOptions): T };

/**
 * A message of a stream. One that does not parse never reaches a Go server: its gRPC library ends the call.
 * @throws {SelvageError} `REQUEST_UNREADABLE` with the text of that library
 */
export function received<T>(codec: Decoder<T>, bytes: Uint8Array): T {
  return decoded(codec, bytes, 'failed to unmarshal the received message');
}

/** The one message of a call that is no stream. @throws {SelvageError} as {@link received} */
export function requested<T>(codec: Decoder<T>, bytes: Uint8Array): T {
  return decoded(codec, bytes, 'error unmarshalling request');
}

function decoded<T>(codec: Decoder<T>, bytes: Uint8Array, failure: string): T {
  try {
    return codec.decode(bytes, OF_STRANGERS);
  } catch (cause) {
    throw new SelvageError('REQUEST_UNREADABLE', `grpc: ${failure}: ${unreadable(cause)}`, { cause });
  }
}
