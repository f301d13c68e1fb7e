import { transport } from './chosen-transport.ts';
import type { BidiOptions, ClientStream, ClientTransport, DialOptions, Transport, UnaryOptions } from './transport.ts';

/** A connection to another node, made when first used. */
export class GrpcClient implements Disposable {
  readonly address: string;
  readonly #transport: ClientTransport;

  /** @throws {SelvageError} `SETTING_INVALID` for TLS material that does not parse or belong together */
  constructor(options: DialOptions, { dial }: Transport = transport) {
    this.address = options.address;
    this.#transport = dial(options);
  }

  /** @throws {SelvageError} `PEER_UNREACHABLE`, `DEADLINE_EXCEEDED`, `CANCELLED`, or `REFUSED_BY_PEER` with the other side's text */
  unary(path: string, request: Uint8Array, options: UnaryOptions): Promise<Uint8Array> {
    if (options.signal.aborted) return Promise.reject(options.signal.reason);
    return this.#transport.unary(path, request, options);
  }

  bidi(path: string, options: BidiOptions): ClientStream {
    return this.#transport.bidi(path, options);
  }

  /**
   * Resolves when the connection stands. Until then it is tried again and again.
   * @throws {SelvageError} `PEER_UNREACHABLE` after `ms` milliseconds; `details.reason` has what the last attempt failed with
   */
  ready(ms: number): Promise<void> {
    return this.#transport.ready(ms);
  }

  /** Makes the connection. @returns whether it stands; false after the first attempt that fails, or when `ms` milliseconds are over */
  connected(ms: number): Promise<boolean> {
    return this.#transport.connected(ms);
  }

  [Symbol.dispose](): void {
    this.#transport[Symbol.dispose]();
  }
}
