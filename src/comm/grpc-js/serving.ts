import {
  type ConnectionInjector,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { SelvageError } from '../../common/errors.ts';
import type { Holding } from '../byte-budget.ts';
import type { ByteStream, CallContext, Method } from '../method.ts';
import { type CallStatus, Status } from '../status.ts';
import type { ServerTransport, ServingOptions } from '../transport.ts';
import { Admission } from './admission.ts';
import { SERVER_OPTIONS } from './options.ts';
import { answersPing } from './ping.ts';
import { StreamWriter } from './stream-writer.ts';

/** A gRPC server by the library, without a port of its own. */
export function serveWithGrpcJs({ methods, limits, refusal }: ServingOptions): ServerTransport {
  const server = new Server(SERVER_OPTIONS);
  const streams = new OpenStreams();
  const admission = new Admission(methods, limits);
  for (const [definition, implementation] of services(methods, { streams, admission, refusal }))
    server.addService(definition, implementation);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure()); // TLS is the listener's
  admission.watch(server);
  return {
    accept: (connection) => {
      if (admission.admits(connection)) injector.injectConnection(connection);
    },
    windDown: () => {
      streams.endAll();
      sayGoodbye(injector);
    },
  };
}

interface Serving {
  readonly streams: OpenStreams;
  readonly admission: Admission;
  readonly refusal: ServingOptions['refusal'];
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
    for (const call of this.#calls) call.emit('error', asError({ code: Status.UNAVAILABLE, message: 'the server is stopping' }));
  }
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
function unary(method: UnaryMethod, { admission, refusal }: Serving) {
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
    method.handle(call.request, contextOf(call, admission, ended.signal)).then(
      (response) => {
        admission.holdingOf(call)?.keep(response.length);
        answer(null, response);
      },
      (thrown: unknown) => answer(asError(refusal(thrown, method.path))),
    );
  };
}

function bidi(method: BidiMethod, { streams, admission, refusal }: Serving) {
  return (call: ServerDuplexStream<Buffer, Uint8Array>): void => {
    streams.add(call);
    const ended = new AbortController();
    call.once('cancelled', () => ended.abort(new SelvageError('CANCELLED', 'the call ended')));
    call.on('error', () => ended.abort(new SelvageError('CANCELLED', 'the call broke')));
    method.handle(byteStream(call, admission.holdingOf(call), ended.signal), contextOf(call, admission, ended.signal)).then(
      () => call.end(),
      (thrown: unknown) => {
        if (!ended.signal.aborted) call.emit('error', asError(refusal(thrown, method.path)));
      },
    );
  };
}

function contextOf(call: AnyCall, admission: Admission, signal: AbortSignal): CallContext {
  return {
    signal,
    get remote() {
      return call.getPeer();
    },
    get peerCertificate() {
      return admission.certificateOf(call);
    },
    responds: (ms) => answersPing(call, ms),
    mayHold: (bytes) => admission.holdingOf(call)?.allow(bytes),
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
  try {
    for await (const message of messages) {
      yield message;
      holding?.consumed(PREFIX + message.length);
    }
  } catch (cause) {
    throw broken(cause);
  }
}

/** What grpc-js throws at who reads a call that broke. */
function broken(cause: unknown): unknown {
  if (!(cause instanceof Error && 'code' in cause && typeof cause.code === 'number' && 'details' in cause)) return cause;
  return new SelvageError('CANCELLED', 'the call broke', { cause, details: { grpcStatus: cause.code, reason: String(cause.details) } });
}

function asError({ code, message, metadata = [] }: CallStatus) {
  const fields = new Metadata();
  for (const [name, value] of metadata) fields.set(name, name.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  return { code, details: message, metadata: fields, name: 'Error', message };
}
