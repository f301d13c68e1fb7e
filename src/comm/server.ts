import { createServer as createTcpServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import {
  type ConnectionInjector,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { Refusals } from '../common/refusals.ts';
import { Admission, type AdmissionLimits } from './admission.ts';
import type { Holding } from './byte-budget.ts';
import { SERVER_OPTIONS } from './limits.ts';
import { Listener, tlsServerOptions } from './listener.ts';
import type { ByteStream, CallContext, Method } from './method.ts';
import { answersPing } from './ping.ts';
import { toStatus } from './status.ts';
import { StreamWriter } from './stream-writer.ts';
import { type Pem, type ServerTls, usable } from './tls.ts';

export interface ListenOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  readonly tls?: ServerTls | undefined;
  readonly methods: readonly Method[];
  /** What callers may cost; other than the usual in tests. */
  readonly limits?: AdmissionLimits | undefined;
  readonly log: Logger;
}

/** A gRPC server that is listening. Disposing ends its calls and frees the port, in a bounded time whatever clients do. */
export interface GrpcServer extends AsyncDisposable {
  readonly port: number;
  /** How many connections are open now. */
  readonly connections: number;
  /** Trusts other authorities of clients from the next connection on, where client certificates are asked for. */
  trust(clientRoots: readonly Pem[]): void;
}

/** @throws {SelvageError} `ADDRESS_IN_USE` when the address cannot be bound, `SETTING_INVALID` for TLS material that is none */
export async function listen({ address, tls, methods, limits, log }: ListenOptions): Promise<GrpcServer> {
  const server = new Server(SERVER_OPTIONS);
  const streams = new OpenStreams();
  const admission = new Admission(methods, limits);
  const unforeseen = new Refusals(log, 'a call failed in a way nobody foresaw', { level: 'error' });
  for (const [definition, implementation] of services(methods, { streams, admission, unforeseen }))
    server.addService(definition, implementation);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure()); // TLS is the listener's
  admission.watch(server);
  const accept = (connection: Socket): void => {
    if (admission.admits(connection)) injector.injectConnection(connection);
  };
  const sockets =
    tls === undefined
      ? createTcpServer(accept)
      : usable(() => createTlsServer({ ...tlsServerOptions(tls), ALPNProtocols: ['h2'] }, accept));
  const listener = await Listener.open({ address, server: sockets, tls, log });
  return {
    port: listener.port,
    get connections() {
      return listener.connections;
    },
    trust: (clientRoots) => listener.trust(clientRoots),
    [Symbol.asyncDispose]: () => stop({ injector, streams, listener }),
  };
}

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

interface Stopping {
  readonly injector: ConnectionInjector;
  readonly streams: OpenStreams;
  readonly listener: Listener;
}

/**
 * Ends streams and lets other calls end for a moment, then cuts what is left. What counts is the sockets: grpc-js waits for ever for a
 * connection that its client has just closed.
 */
async function stop({ injector, streams, listener }: Stopping): Promise<void> {
  const closed = listener.close();
  streams.endAll();
  sayGoodbye(injector);
  const enough = new AbortController();
  await Promise.race([closed, setTimeout(DRAIN_MS, undefined, { signal: enough.signal }).catch(() => undefined)]);
  enough.abort();
  await listener[Symbol.asyncDispose]();
}

/**
 * Tells clients that each connection ends when its calls have. At a connection that its client is just closing, grpc-js throws; whom it
 * did not come to is cut later.
 */
function sayGoodbye(injector: ConnectionInjector): void {
  try {
    injector.destroy();
  } catch {
    // nothing is lost but a farewell
  }
}

const asIs = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface Serving {
  readonly streams: OpenStreams;
  readonly admission: Admission;
  readonly unforeseen: Refusals;
}

function* services(methods: readonly Method[], serving: Serving): Generator<[ServiceDefinition, UntypedServiceImplementation]> {
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
    yield [definition, { [method.path]: method.kind === 'unary' ? unary(method, serving) : bidi(method, serving) }];
  }
}

type UnaryMethod = Extract<Method, { kind: 'unary' }>;
type BidiMethod = Extract<Method, { kind: 'bidi' }>;
type AnyCall = ServerUnaryCall<Buffer, Uint8Array> | ServerDuplexStream<Buffer, Uint8Array>;

/** Makes an async function a gRPC handler: one signal for cancel and deadline, one place that maps errors. */
function unary(method: UnaryMethod, { admission, unforeseen }: Serving) {
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
      (response) => {
        admission.holdingOf(call)?.keep(response.length);
        answer(null, response);
      },
      (thrown: unknown) => answer(refusal(thrown, method.path, unforeseen)),
    );
  };
}

function bidi(method: BidiMethod, { streams, admission, unforeseen }: Serving) {
  return (call: ServerDuplexStream<Buffer, Uint8Array>): void => {
    streams.add(call);
    const ended = new AbortController();
    call.once('cancelled', () => ended.abort(new SelvageError('CANCELLED', 'the call ended')));
    call.on('error', () => ended.abort(new SelvageError('CANCELLED', 'the call broke')));
    method.handle(byteStream(call, admission.holdingOf(call), ended.signal), contextOf(call, ended.signal)).then(
      () => call.end(),
      (thrown: unknown) => {
        if (!ended.signal.aborted) call.emit('error', refusal(thrown, method.path, unforeseen));
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
    responds: (ms) => answersPing(call, ms),
  };
}

function byteStream(call: ServerDuplexStream<Buffer, Uint8Array>, holding: Holding | undefined, signal: AbortSignal): ByteStream {
  const writer = new StreamWriter(call, signal);
  // Not `call` itself: leaving a `for await` would destroy the call before its status is sent.
  const messages = call.iterator({ destroyOnReturn: false });
  return { incoming: countedOff(messages, holding), send: (message) => writer.send(message) };
}

/** What gRPC puts before each message. */
const PREFIX = 5;

/** A message counts until the next one is asked for: whoever reads works on one at a time. */
async function* countedOff(messages: AsyncIterable<Uint8Array>, holding: Holding | undefined): AsyncGenerator<Uint8Array, undefined> {
  for await (const message of messages) {
    yield message;
    holding?.consumed(PREFIX + message.length);
  }
}

function refusal(thrown: unknown, path: string, unforeseen: Refusals) {
  const error = SelvageError.from(thrown);
  if (error.code === 'INTERNAL') unforeseen.note({ path, cause: error.cause ?? error });
  return { ...toStatus(error), name: error.name, message: error.message };
}
