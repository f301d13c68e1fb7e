import { connect as connectTcp, Server as NetServer, type Socket } from 'node:net';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { SERVER_OPTIONS } from './limits.ts';
import type { ByteStream, CallContext, Method } from './method.ts';
import { toStatus } from './status.ts';
import { StreamWriter } from './stream-writer.ts';

/** PEM texts of a TLS server. With `clientRoots` every caller must show a certificate that one of them issued. */
export interface ServerTls {
  readonly key: string | Uint8Array;
  readonly cert: string | Uint8Array;
  readonly clientRoots?: readonly (string | Uint8Array)[] | undefined;
}

export interface ListenOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  readonly tls?: ServerTls | undefined;
  readonly methods: readonly Method[];
  readonly log: Logger;
}

/** A gRPC server that is listening. Disposing ends its calls and frees the port. */
export interface GrpcServer extends AsyncDisposable {
  readonly port: number;
}

/** @throws {SelvageError} `ADDRESS_IN_USE` when the address cannot be bound */
export async function listen({ address, tls, methods, log }: ListenOptions): Promise<GrpcServer> {
  const server = new Server(SERVER_OPTIONS);
  const streams = new OpenStreams();
  for (const [definition, implementation] of services(methods, streams, log)) server.addService(definition, implementation);
  await refuseTaken(address);
  const port = await bind(server, address, credentialsOf(tls));
  const sockets = socketsOf(server);
  return { port, [Symbol.asyncDispose]: () => stop(server, streams, sockets) };
}

function credentialsOf(tls: ServerTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) };
  // Without client certificates there is nothing to trust; null would load every root that the system knows.
  const roots = Buffer.concat((tls.clientRoots ?? []).map((root) => Buffer.from(root)));
  return ServerCredentials.createSsl(roots, [pair], tls.clientRoots !== undefined);
}

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, port) => {
      if (cause === null) return resolve(port);
      reject(taken(address, cause));
    });
  });
}

/** grpc-js sets SO_REUSEPORT where the system has it, so a second server on a taken port would bind without a word. */
async function refuseTaken(address: string): Promise<void> {
  const at = address.lastIndexOf(':');
  const port = Number(address.slice(at + 1));
  if (port === 0) return;
  const host = address.slice(0, at).replace(/^\[|\]$/g, '');
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connectTcp({ port, host: host === '0.0.0.0' || host === '::' ? 'localhost' : host });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (answered) throw taken(address, new Error('another process accepts connections there'));
}

const taken = (address: string, cause: Error): SelvageError =>
  new SelvageError('ADDRESS_IN_USE', `cannot listen on ${address}: ${messageOf(cause)}`, {
    cause,
    details: { address },
    advice: 'Stop the process that uses the port, or choose another one.',
  });

/** Streams that are being served. They would go on for ever, so a server that stops ends them itself. */
class OpenStreams {
  readonly #calls = new Set<ServerDuplexStream<Buffer, Uint8Array>>();

  /** Keeps the call until it is over. */
  add(call: ServerDuplexStream<Buffer, Uint8Array>): void {
    this.#calls.add(call);
    call.once('cancelled', () => this.#calls.delete(call));
  }

  endAll(): void {
    const status = toStatus(new SelvageError('PEER_UNREACHABLE', 'the server is stopping'));
    for (const call of this.#calls) call.emit('error', { ...status, name: 'Error', message: 'the server is stopping' });
  }
}

/** How long other calls in progress may take to end when the server stops, in milliseconds. */
const DRAIN_MS = 500;

/**
 * The connections that are open, from now on. A server closes only when all of them have, and grpc-js cuts none while channelz is off:
 * one that says nothing, or whose TLS handshake never ends, would keep us from stopping. It has no public way to the servers below it.
 */
function socketsOf(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  const below: unknown = Reflect.get(server, 'http2Servers');
  for (const each of below instanceof Map ? below.keys() : []) {
    if (!(each instanceof NetServer)) continue;
    each.on('connection', (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    });
  }
  return open;
}

function stop(server: Server, streams: OpenStreams, sockets: ReadonlySet<Socket>): Promise<void> {
  streams.endAll();
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, DRAIN_MS);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}

const asIs = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function* services(
  methods: readonly Method[],
  streams: OpenStreams,
  log: Logger,
): Generator<[ServiceDefinition, UntypedServiceImplementation]> {
  for (const method of methods) {
    const stream = method.kind === 'bidi';
    const definition: ServiceDefinition = {
      [method.path]: {
        path: method.path,
        requestStream: stream,
        responseStream: stream,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    };
    yield [definition, { [method.path]: method.kind === 'unary' ? unary(method, log) : bidi(method, streams, log) }];
  }
}

type UnaryMethod = Extract<Method, { kind: 'unary' }>;
type BidiMethod = Extract<Method, { kind: 'bidi' }>;
type AnyCall = ServerUnaryCall<Buffer, Uint8Array> | ServerDuplexStream<Buffer, Uint8Array>;

/** Makes an async function a gRPC handler: one signal for cancel and deadline, one place that maps errors. */
function unary(method: UnaryMethod, log: Logger) {
  return (call: ServerUnaryCall<Buffer, Uint8Array>, reply: sendUnaryData<Uint8Array>): void => {
    const ended = new AbortController();
    let answered = false;
    call.once('cancelled', () => {
      if (!answered) ended.abort(new SelvageError('CANCELLED', 'the call ended')); // emitted after every call, answered or not
    });
    const answer: typeof reply = (...outcome) => {
      answered = true;
      reply(...outcome);
    };
    method.handle(call.request, contextOf(call, ended.signal)).then(
      (response) => answer(null, response),
      (thrown: unknown) => answer(refusal(thrown, method.path, log)),
    );
  };
}

function bidi(method: BidiMethod, streams: OpenStreams, log: Logger) {
  return (call: ServerDuplexStream<Buffer, Uint8Array>): void => {
    streams.add(call);
    const ended = new AbortController();
    call.once('cancelled', () => ended.abort(new SelvageError('CANCELLED', 'the call ended')));
    call.on('error', () => ended.abort(new SelvageError('CANCELLED', 'the call broke')));
    method.handle(byteStream(call, ended.signal), contextOf(call, ended.signal)).then(
      () => call.end(),
      (thrown: unknown) => {
        if (!ended.signal.aborted) call.emit('error', refusal(thrown, method.path, log));
      },
    );
  };
}

function contextOf(call: AnyCall, signal: AbortSignal): CallContext {
  return {
    signal,
    get remote() {
      return call.getPeer();
    },
    get peerCertificate() {
      return call.getAuthContext().sslPeerCertificate?.raw;
    },
  };
}

function byteStream(call: ServerDuplexStream<Buffer, Uint8Array>, signal: AbortSignal): ByteStream {
  const writer = new StreamWriter(call, signal);
  // Not `call` itself: leaving a `for await` would destroy the call before its status is sent.
  return { incoming: call.iterator({ destroyOnReturn: false }), send: (message) => writer.send(message) };
}

function refusal(thrown: unknown, path: string, log: Logger) {
  const error = SelvageError.from(thrown);
  if (error.code === 'INTERNAL') log.error('a call failed in a way nobody foresaw', { path, cause: error.cause ?? error });
  return { ...toStatus(error), name: error.name, message: error.message };
}
