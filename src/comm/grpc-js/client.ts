import { ChannelCredentials, Client, type ClientDuplexStream, connectivityState, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { errorOf, notReached, Status } from '../status.ts';
import { DETAILS_FIELD } from '../status-details.ts';
import { type ClientTls, clientContext } from '../tls.ts';
import type { ClientStream, ClientTransport, DialOptions, UnaryOptions } from '../transport.ts';
import { CLIENT_OPTIONS } from './options.ts';
import { StreamWriter } from './stream-writer.ts';

const asIs = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const asReceived = (bytes: Buffer): Uint8Array => bytes;

/** A gRPC client by the library. */
export class GrpcJsClient implements ClientTransport {
  readonly #address: string;
  readonly #client: Client;

  constructor({ address, tls }: DialOptions) {
    this.#address = address;
    const name = tls?.hostnameOverride;
    const override = name === undefined ? {} : { 'grpc.ssl_target_name_override': name, 'grpc.default_authority': name };
    this.#client = new Client(address, credentialsOf(tls), { ...CLIENT_OPTIONS, ...override });
  }

  unary(path: string, request: Uint8Array, { signal, received }: UnaryOptions): Promise<Uint8Array> {
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
          if (error === null && response !== undefined) {
            received?.(response.length);
            return signal.aborted ? reject(signal.reason) : resolve(response);
          }
          reject(signal.aborted ? signal.reason : failureOf(error, this.#address));
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
      over.abort(signal.aborted ? signal.reason : new SelvageError('CANCELLED', `the call to ${this.#address} was given up`));
      call.cancel();
    };
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    call.once('error', (error) => over.abort(failureOf(error, this.#address)));
    call.once('close', () => {
      signal.removeEventListener('abort', cancel);
      over.abort(new SelvageError('CANCELLED', `the call to ${this.#address} is over`));
    });
    const writer = new StreamWriter(call, over.signal);
    return {
      incoming: readCall(call, this.#address, signal),
      get peerCertificate() {
        return call.getAuthContext()?.sslPeerCertificate?.raw;
      },
      send: (message) => writer.send(message),
      end: () => call.end(),
      [Symbol.dispose]: cancel,
    };
  }

  async ready(ms: number): Promise<void> {
    const late = await new Promise<Error | undefined>((resolve) => this.#client.waitForReady(Date.now() + ms, resolve));
    if (late !== undefined) throw notReached(this.#address, ms, await this.#lastFailure(Math.min(Math.max(ms, 1_000), 3_000)));
  }

  /** Why the last attempt failed: a call that does not wait for the connection is told, after `ms` milliseconds at most. */
  async #lastFailure(ms: number): Promise<unknown> {
    try {
      await this.unary('/', new Uint8Array(0), { signal: AbortSignal.timeout(ms) });
    } catch (thrown) {
      const text = thrown instanceof SelvageError && thrown.code === 'PEER_UNREACHABLE' ? thrown.message : '';
      const [, reason] = /Last error: (.*?)(?:\. Resolution note: .*)?$/s.exec(text) ?? /(Name resolution failed.*)/.exec(text) ?? [];
      return reason === undefined ? thrown : errorOf({ code: Status.UNAVAILABLE, message: reason }, this.#address, thrown);
    }
    return undefined;
  }

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

function credentialsOf(tls: ClientTls | undefined): ChannelCredentials {
  if (tls?.judge !== undefined)
    throw new SelvageError(
      'SETTING_INVALID',
      'this transport leaves the judgement of servers to the TLS library, by the clock of this machine',
      {
        advice: 'Leave SELVAGE_TRANSPORT out.',
      },
    );
  return tls === undefined ? ChannelCredentials.createInsecure() : ChannelCredentials.createFromSecureContext(clientContext(tls));
}

const failureOf = (error: unknown, address: string): SelvageError =>
  error instanceof Error && 'code' in error && 'details' in error
    ? errorOf({ code: Number(error.code), message: String(error.details), metadata: detailsOf(error) }, address, error)
    : SelvageError.from(error);

/** The one field of the trailers that we read, as our own transport gives it. */
function detailsOf(error: Error): readonly (readonly [string, string])[] {
  const metadata: unknown = Reflect.get(error, 'metadata');
  const [value] = metadata instanceof Metadata ? metadata.get(DETAILS_FIELD) : [];
  return value instanceof Uint8Array ? [[DETAILS_FIELD, Buffer.from(value).toString('base64')]] : [];
}
