import { lookup } from 'node:dns/promises';
import type { Server, Socket } from 'node:net';
import { type TlsOptions, Server as TlsServer } from 'node:tls';
import { isUnspecified, splitAddress } from '../common/address.ts';
import type { Logger } from '../common/log.ts';
import { listenFailure } from './listen-failure.ts';
import { type Pem, type ServerTls, serverOptions } from './tls.ts';

export interface ListenerOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  /** What serves the connections, not listening yet. With TLS made from {@link tlsServerOptions}. */
  readonly server: Server;
  readonly tls?: ServerTls | undefined;
  /** The most at a time, those in the middle of a handshake included; further ones are closed at once. */
  readonly connections?: number;
  readonly log: Logger;
}

/** How long a TLS handshake may take. @see DefaultConnectionTimeout in hyperledger/fabric v2.5, internal/pkg/comm/config.go */
const HANDSHAKE_MS = 5_000;

const MOST_CONNECTIONS = 8_000;

/**
 * What a TLS server is made from. Where there are client roots a certificate is asked for and checked; with `optional` who has none is
 * let in as well. Without roots it may be asked for too, and is then nobody's proof of anything.
 */
export const tlsServerOptions = (tls: ServerTls, clientCertificates: 'required' | 'optional' = 'required'): TlsOptions => ({
  ...serverOptions(tls),
  requestCert: tls.clientRoots !== undefined || tls.asksForCertificates === true,
  rejectUnauthorized: tls.clientRoots !== undefined && clientCertificates === 'required',
  handshakeTimeout: HANDSHAKE_MS,
});

/**
 * A port with the connections it took. It owns them all, those in the middle of a handshake too, so that a stop never depends on what
 * clients do or on what the protocol above still believes to be open.
 */
export class Listener implements AsyncDisposable {
  readonly #server: Server;
  readonly #tls: ServerTls | undefined;
  readonly #open = new Set<Socket>();
  #closed: Promise<void> | undefined;

  private constructor({ server, tls, connections = MOST_CONNECTIONS, log }: ListenerOptions) {
    this.#server = server;
    this.#tls = tls;
    server.maxConnections = connections;
    server.on('connection', (socket: Socket) => this.#keep(socket));
    if (!(server instanceof TlsServer)) return;
    trustIntermediates(server);
    server.prependListener('secureConnection', (socket) => {
      socket.on('error', (error) => log.debug('a TLS connection broke', { error }));
      if (tls?.clientRoots !== undefined && !socket.authorized && 'raw' in socket.getPeerCertificate()) socket.destroy(); // a bad one
    });
    server.on('tlsClientError', (error, { remoteAddress }) => log.debug('a TLS handshake failed', { remote: remoteAddress, error }));
  }

  /** @throws {SelvageError} `ADDRESS_IN_USE` when somebody listens there, `SETTING_INVALID` for what is no address of this machine */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    await listener.#bind(options.address);
    return listener;
  }

  get port(): number {
    const bound = this.#server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : 0;
  }

  /** How many connections are open now. */
  get connections(): number {
    return this.#open.size;
  }

  /** Trusts other authorities of clients from the next handshake on; nothing changes where nobody is asked for a certificate. */
  trust(clientRoots: readonly Pem[]): void {
    if (this.#tls?.clientRoots === undefined || !(this.#server instanceof TlsServer)) return;
    this.#server.setSecureContext(serverOptions({ ...this.#tls, clientRoots }));
    trustIntermediates(this.#server);
  }

  /** Takes no further connection. Resolves when those that are open have closed. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => this.#server.close(() => resolve()));
    return this.#closed;
  }

  /** Cuts what is open and frees the port. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on('error', () => undefined); // it closes, which is all that anybody can do
    socket.once('close', () => this.#open.delete(socket));
  }

  async #bind(address: string): Promise<void> {
    const { host, port } = splitAddress(address) ?? { host: '', port: 0 };
    try {
      const bindable = await addressOf(host);
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen({ port, ...(bindable !== '' && { host: bindable }) }, resolve);
      });
    } catch (cause) {
      throw listenFailure(address, cause);
    }
  }
}

/** A name stands for its first IPv4 address where it has one, as for Go. */
async function addressOf(host: string): Promise<string> {
  if (isUnspecified(host)) return host;
  const all = await lookup(host, { all: true });
  return (all.find(({ family }) => family === 4) ?? all[0])?.address ?? host;
}

/** Node gives `allowPartialTrustChain` to clients and forgets it for servers, so it is set where servers keep their context. */
function trustIntermediates(server: TlsServer): void {
  const shared: { context?: { setAllowPartialTrustChain?: () => void } } = Object(Reflect.get(server, '_sharedCreds'));
  shared.context?.setAllowPartialTrustChain?.();
}
