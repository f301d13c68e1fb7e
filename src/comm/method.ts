import type { Cancellable } from '../common/cancel.ts';
import type { Incoming } from '../common/incoming.ts';
import type { MaybePromise } from '../common/maybe.ts';

/** What a handler may know about the call it serves. The signal means "this call is over", never "it failed". */
export interface CallContext extends Cancellable {
  /** Address of the caller, for logs. */
  readonly remote: string;
  /**
   * DER of the TLS certificate that the caller showed; absent where it showed none, or nobody asked. It is verified where the server has
   * client roots, and else shows no more than that the caller has its key.
   */
  readonly peerCertificate: Uint8Array | undefined;
  /**
   * Whether the caller's process still runs its part of the connection, by an HTTP/2 ping. False when nothing came back within `ms`
   * milliseconds; undefined when the connection is over, or nobody can tell.
   */
  readonly responds?: ((ms: number) => Promise<boolean | undefined>) | undefined;
  /** From now on the call may hold that many bytes of messages, instead of the method's `mostHeld`: when it is known who calls. */
  readonly mayHold?: ((bytes: number) => void) | undefined;
}

/** A call in which both sides send messages. */
export interface ByteStream {
  /** Ends when the other side ends its half; throws when the call breaks. */
  readonly incoming: Incoming<Uint8Array>;
  /** A promise resolves when the transport wants more: await it, and a slow reader slows the writer down. */
  send(message: Uint8Array): MaybePromise<void>;
}

/** One gRPC method, in bytes: folders above decode, so that a malformed message gets Fabric's answer and not the library's. */
export type Method =
  | (Addressed & { readonly kind: 'unary'; handle(request: Uint8Array, context: CallContext): Promise<Uint8Array> })
  | (Addressed & { readonly kind: 'bidi'; handle(stream: ByteStream, context: CallContext): Promise<void> });

interface Addressed {
  readonly path: string;
  /** Bytes of messages that one call may hold, where honest ones are far below the largest that gRPC takes. */
  readonly mostHeld?: number;
}
