/**
 * Bounds what strangers cost a gRPC server below its handlers: connections that say nothing, calls that hold memory, messages that
 * would be unpacked. grpc-js has no public way to the HTTP/2 servers below it.
 */
import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Metadata, Server } from '@grpc/grpc-js';
import { ByteBudget, type Holding } from '../byte-budget.ts';
import { type AdmissionLimits, EXHAUSTED, PER_CALL_BYTES } from '../limits.ts';
import type { Method } from '../method.ts';

/** Names a call to the handlers. Whatever a caller sends under this name is replaced. */
const CALL_ID = 'selvage-call';

interface Connection {
  readonly socket: Socket;
  /** Closes it unless it speaks first. */
  readonly silent: NodeJS.Timeout;
  calls: number;
}

interface OpenCall {
  readonly holding: Holding;
  readonly socket: Socket | undefined;
}

/** Who may connect to one server, and what its calls hold. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #budget: ByteBudget;
  readonly #calls = new Map<string, OpenCall>();
  /** By remote address, which is all that a session and its socket have in common; the oldest first. */
  readonly #connections = new Map<string, Connection>();
  #nextId = 0;

  readonly #mostHeld: ReadonlyMap<string, number>;

  constructor(methods: readonly Pick<Method, 'path' | 'mostHeld'>[], limits: AdmissionLimits) {
    this.#limits = limits;
    this.#mostHeld = new Map(methods.flatMap(({ path, mostHeld }) => (mostHeld === undefined ? [] : [[path, mostHeld]])));
    this.#budget = new ByteBudget({ perConnection: limits.bytesPerConnection, total: limits.bytes });
  }

  /** Bytes held now. */
  get held(): number {
    return this.#budget.held;
  }

  /** What a call holds; undefined when it is over. */
  holdingOf({ metadata }: { readonly metadata: Metadata }): Holding | undefined {
    return this.#callOf(metadata)?.holding;
  }

  /** DER of the certificate that a caller showed: grpc-js tells only of those that the TLS library has verified. */
  certificateOf({ metadata }: { readonly metadata: Metadata }): Uint8Array | undefined {
    const socket = this.#callOf(metadata)?.socket;
    return socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.raw : undefined;
  }

  #callOf(metadata: Metadata): OpenCall | undefined {
    return this.#calls.get(String(metadata.get(CALL_ID)[0]));
  }

  /** Looks at the calls of a server; call it before the first connection comes. */
  watch(server: Server): void {
    const below: unknown = Reflect.get(server, 'http2Servers');
    for (const each of below instanceof Map ? below.keys() : []) if (each instanceof EventEmitter) this.#watch(each);
  }

  /** Whether there is room for a connection; one without is closed, and one that stays silent soon will be. */
  admits(socket: Socket): boolean {
    if (!this.#hasRoom()) {
      socket.destroy();
      return false;
    }
    const key = keyOf(socket);
    const silent = setTimeout(() => socket.destroy(), this.#limits.handshakeMs);
    this.#connections.set(key, { socket, silent, calls: 0 });
    socket.once('close', () => {
      clearTimeout(silent);
      this.#connections.delete(key);
    });
    return true;
  }

  #watch(http2Server: EventEmitter): void {
    http2Server.on('session', (session: ServerHttp2Session) => {
      const connection = this.#connections.get(keyOf(session.socket));
      session.once('remoteSettings', () => clearTimeout(connection?.silent));
    });
    http2Server.prependListener('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => this.#count(stream, headers));
  }

  /** Makes room by closing a connection that does nothing. */
  #hasRoom(): boolean {
    if (this.#connections.size < this.#limits.connections) return true;
    for (const [key, { socket, calls }] of this.#connections) {
      if (calls > 0) continue;
      this.#connections.delete(key);
      socket.destroy();
      return true;
    }
    return false;
  }

  #count(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const { session } = stream;
    if (session === undefined) return;
    const id = String(this.#nextId++);
    const size = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + String(value).length, 0);
    headers[CALL_ID] = id;
    refuseUnpacking(headers);
    const connection = this.#connections.get(keyOf(session.socket));
    const holding = this.#budget.open(session, () => endExhausted(stream), this.#mostHeld.get(String(headers[':path'])));
    this.#calls.set(id, { holding, socket: connection?.socket });
    if (connection !== undefined) connection.calls += 1;
    stream.once('close', () => {
      holding[Symbol.dispose]();
      this.#calls.delete(id);
      if (connection !== undefined) connection.calls -= 1;
    });
    stream.on('data', (piece: Buffer) => holding.received(piece.length));
    holding.keep(PER_CALL_BYTES + size);
  }
}

const keyOf = ({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string => `${remoteAddress} ${remotePort}`;

/** A Go peer has no decompressor either. A few kilobytes would become a message of the largest size, before anybody is known. */
function refuseUnpacking(headers: IncomingHttpHeaders): void {
  const encoding = headers['grpc-encoding'];
  if (encoding !== undefined && encoding !== 'identity') headers['grpc-encoding'] = `${String(encoding).slice(0, 40)} (not installed)`;
}

const RESOURCE_EXHAUSTED = '8';

function endExhausted(stream: ServerHttp2Stream): void {
  if (stream.destroyed || stream.closed) return;
  if (!stream.headersSent)
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': RESOURCE_EXHAUSTED, 'grpc-message': EXHAUSTED },
      { endStream: true },
    );
  stream.close(NGHTTP2_ENHANCE_YOUR_CALM);
}

/** gRPC clients read it as RESOURCE_EXHAUSTED where no status came. */
const NGHTTP2_ENHANCE_YOUR_CALM = 0xb;
