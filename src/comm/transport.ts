import type { Socket } from 'node:net';
import type { Cancellable } from '../common/cancel.ts';
import type { AdmissionLimits } from './limits.ts';
import type { ByteStream, Method } from './method.ts';
import type { CallStatus } from './status.ts';
import type { ClientTls } from './tls.ts';

/** What speaks gRPC on the connections of a server. */
export interface ServerTransport {
  /** Serves a connection that stands, TLS included. */
  accept(connection: Socket): void;
  /** Ends streams, takes no further calls, and closes each connection when its calls have been answered. */
  windDown(): void;
}

export interface ServingOptions {
  readonly methods: readonly Method[];
  readonly limits: AdmissionLimits;
  /** What a caller hears of a failure. */
  refusal(thrown: unknown, path: string): CallStatus;
}

export interface DialOptions {
  /** `host:port`. */
  readonly address: string;
  readonly tls?: ClientTls | undefined;
  /** Milliseconds that a connection may take to stand; 20 s where it is left out, or where the library dials. */
  readonly dialTimeoutMs?: number | undefined;
}

/** Of a call with one answer. */
export interface UnaryOptions extends Cancellable {
  /** So many bytes of the answer have come: whoever asks many at a time counts what they make it hold. */
  readonly received?: ((bytes: number) => void) | undefined;
}

/** Counts what a call with many answers holds: `Holding` is one. */
export interface Counting {
  /** So many bytes have come. */
  received(bytes: number): void;
  /** A message of them waits for its reader. */
  waits(): void;
  /** A message of so many bytes was taken, with what stands before it. */
  consumed(bytes: number): void;
}

/** Of a call with messages in both directions. */
export interface BidiOptions extends Cancellable {
  /** Of what comes. The library's transport does not count. */
  readonly counting?: Counting | undefined;
}

/** An open bidirectional call. Disposing cancels it. */
export interface ClientStream extends ByteStream, Disposable {
  /** DER of the TLS certificate of who answers. Known once a message has come; undefined without TLS. */
  readonly peerCertificate: Uint8Array | undefined;
  /** Says that nothing more will be sent. */
  end(): void;
}

/** What speaks gRPC to a server. {@link GrpcClient} says what each function promises. */
export interface ClientTransport extends Disposable {
  unary(path: string, request: Uint8Array, options: UnaryOptions): Promise<Uint8Array>;
  bidi(path: string, options: BidiOptions): ClientStream;
  ready(ms: number): Promise<void>;
  connected(ms: number): Promise<boolean>;
}

/** One implementation of both sides. */
export interface Transport {
  readonly serve: (options: ServingOptions) => ServerTransport;
  readonly dial: (options: DialOptions) => ClientTransport;
}
