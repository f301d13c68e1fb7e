import { ChannelCredentials, Client, type ClientDuplexStream, connectivityState, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { CLIENT_OPTIONS } from './limits.ts';
import type { ByteStream } from './method.ts';
import { fromServiceError } from './status.ts';
import { StreamWriter } from './stream-writer.ts';
import { type ClientTls, clientContext } from './tls.ts';

export interface DialOptions {
  /** `host:port`. */
  readonly address: string;
  readonly tls?: ClientTls | undefined;
}

/** An open bidirectional call. Disposing cancels it. */
export interface ClientStream extends ByteStream, Disposable {
  /** Says that nothing more will be sent. */
  end(): void;
}

const asIs = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const asReceived = (bytes: Buffer): Uint8Array => bytes;

/** A connection to another node, made when first used. */
export class GrpcClient implements Disposable {
  readonly address: string;
  readonly #client: Client;

  constructor({ address, tls }: DialOptions) {
    this.address = address;
    const name = tls?.hostnameOverride;
    const override = name === undefined ? {} : { 'grpc.ssl_target_name_override': name, 'grpc.default_authority': name };
    this.#client = new Client(address, credentialsOf(tls), { ...CLIENT_OPTIONS, ...override });
  }

  /** @throws {SelvageError} `PEER_UNREACHABLE`, `DEADLINE_EXCEEDED`, `CANCELLED`, or `REFUSED_BY_PEER` with the other side's text */
  unary(path: string, request: Uint8Array, { signal }: Cancellable): Promise<Uint8Array> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(
        path,
        asIs,
        asReceived,
        request,
        new Metadata(),
        {},
        (error: ServiceError | null, response?: Uint8Array) => {
          signal.removeEventListener('abort', cancel);
          if (error === null && response !== undefined) return resolve(response);
          reject(signal.aborted ? signal.reason : failureOf(error, this.address));
        },
      );
      const cancel = (): void => call.cancel();
      signal.addEventListener('abort', cancel, { once: true });
    });
  }

  bidi(path: string, { signal }: Cancellable): ClientStream {
    const over = new AbortController(); // not AbortSignal.any: the caller's signal would keep every call for as long as it lives itself
    const call = this.#client.makeBidiStreamRequest(path, asIs, asReceived, new Metadata(), {});
    const cancel = (): void => {
      over.abort(signal.aborted ? signal.reason : new SelvageError('CANCELLED', `the call to ${this.address} was given up`));
      call.cancel();
    };
    signal.addEventListener('abort', cancel, { once: true });
    call.once('error', (error) => over.abort(failureOf(error, this.address)));
    call.once('close', () => {
      signal.removeEventListener('abort', cancel);
      over.abort(new SelvageError('CANCELLED', `the call to ${this.address} is over`));
    });
    const writer = new StreamWriter(call, over.signal);
    return {
      incoming: readCall(call, this.address, signal),
      send: (message) => writer.send(message),
      end: () => call.end(),
      [Symbol.dispose]: cancel,
    };
  }

  /** Resolves when the connection stands. @throws {SelvageError} `PEER_UNREACHABLE` after `ms` milliseconds */
  ready(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.waitForReady(Date.now() + ms, (cause) => {
        if (cause === undefined) return resolve();
        reject(
          new SelvageError('PEER_UNREACHABLE', `cannot reach ${this.address} within ${ms} ms`, {
            cause,
            details: { address: this.address },
          }),
        );
      });
    });
  }

  /** Makes the connection. @returns whether it stands; false after the first attempt that fails, or when `ms` milliseconds are over */
  connected(ms: number): Promise<boolean> {
    const channel = this.#client.getChannel();
    const deadline = Date.now() + ms;
    return new Promise((resolve) => {
      const look = (): void => {
        const state = channel.getConnectivityState(true);
        if (state === connectivityState.READY) resolve(true);
        else if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) resolve(false);
        else channel.watchConnectivityState(state, deadline, (late) => (late === undefined ? look() : resolve(false)));
      };
      look();
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

async function* readCall(
  call: ClientDuplexStream<Uint8Array, Uint8Array>,
  address: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* call as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw signal.aborted ? signal.reason : failureOf(error, address);
  }
}

const credentialsOf = (tls: ClientTls | undefined): ChannelCredentials =>
  tls === undefined ? ChannelCredentials.createInsecure() : ChannelCredentials.createFromSecureContext(clientContext(tls));

const failureOf = (error: unknown, address: string): SelvageError =>
  error instanceof Error && 'code' in error && 'details' in error
    ? fromServiceError(error as ServiceError, address)
    : SelvageError.from(error);
