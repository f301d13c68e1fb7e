import type { ChaincodeConnection } from '../../chaincode/ports/connection.ts';
import type { ChaincodeInstance } from '../../chaincode/ports/runtime.ts';
import { GrpcClient } from '../../comm/client.ts';
import { plainReason } from '../../comm/dial-cause.ts';
import type { DialOptions } from '../../comm/transport.ts';
import { type Cancellable, orAbort } from '../../common/cancel.ts';
import { deferred } from '../../common/deferred.ts';
import { SelvageError } from '../../common/errors.ts';
import { type Logger, silent } from '../../common/log.ts';
import type { Exit } from '../../packages/launch-spec.ts';
import { dialVerdict } from './dial-verdicts.ts';
import type { ServerSettings } from './server-settings.ts';
import { serviceConnection } from './service-connection.ts';

const CONNECT = '/protos.Chaincode/Connect';

export interface ServiceInstanceParts {
  readonly ccid: string;
  readonly settings: ServerSettings;
  readonly log?: Logger | undefined;
}

/**
 * Chaincode that runs as a service somewhere: the peer only dials it, so it neither starts nor stops it, and never learns how it
 * exited. Disposing hangs up.
 */
export class ServiceInstance implements ChaincodeInstance {
  readonly id: string;
  readonly #parts: ServiceInstanceParts;
  readonly #exited = deferred<Exit>();
  readonly #over = new AbortController();
  #client: GrpcClient | undefined;

  constructor(parts: ServiceInstanceParts) {
    this.#parts = parts;
    this.id = `${parts.ccid}@${parts.settings.address}`;
  }

  /** Settles when it is disposed: until then the service may come back. */
  get exited(): Promise<Exit> {
    return this.#exited.promise;
  }

  /**
   * Dials the service, again and again until the dial timeout is over.
   * @throws {SelvageError} `PEER_UNREACHABLE` with the last reason, as refused connections and certificates have one
   * @see Stream in hyperledger/fabric v2.5, core/chaincode/extcc/extcc_handler.go
   */
  readonly connect = async ({ signal }: Cancellable): Promise<ChaincodeConnection> => {
    const { ccid, settings, log = silent } = this.#parts;
    const client = new GrpcClient(dialOptions(settings));
    this.#client = client;
    await reached(client, this.#parts, signal);
    log.info('chaincode service reached', { ccid, address: settings.address, tls: settings.tls !== undefined });
    return serviceConnection({ call: client.bidi(CONNECT, { signal: this.#over.signal }), ccid, address: settings.address });
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new SelvageError('CANCELLED', 'the peer hung up'));
    this.#client?.[Symbol.dispose]();
    this.#exited.resolve({ code: null, signal: null, lastOutput: [] });
  }
}

const dialOptions = ({ address, tls }: ServerSettings): DialOptions => ({
  address,
  tls: tls && { roots: tls.rootCert, key: tls.client?.key, cert: tls.client?.cert, hostnameOverride: tls.domain },
});

async function reached(client: GrpcClient, { ccid, settings }: ServiceInstanceParts, signal: AbortSignal): Promise<void> {
  const { address, dialTimeoutMs } = settings;
  try {
    await orAbort(client.ready(dialTimeoutMs), signal);
  } catch (cause) {
    signal.throwIfAborted();
    const last = cause instanceof SelvageError ? cause.details['reason'] : undefined;
    const reason = plainReason(String(last ?? 'context deadline exceeded'));
    const verdict = dialVerdict(reason, settings);
    throw new SelvageError(
      'PEER_UNREACHABLE',
      `error cannot create connection for ${ccid}: error creating grpc connection to ${address}: failed to create new connection: ${reason}`,
      { cause, details: { ccid, address, dialTimeoutMs, reason: verdict.cause }, advice: verdict.advice },
    );
  }
}
