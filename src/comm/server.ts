import { createServer as createTcpServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { type Metrics, unmeasured } from '../common/metrics.ts';
import { Refusals } from '../common/refusals.ts';
import { transport } from './chosen-transport.ts';
import { ADMISSION_LIMITS, type AdmissionLimits, MAX_MESSAGE_BYTES } from './limits.ts';
import { Listener, tlsServerOptions } from './listener.ts';
import { CallMetrics } from './measured.ts';
import type { ByteStream, CallContext, Method } from './method.ts';
import { type CallStatus, statusOf } from './status.ts';
import { type Pem, type ServerTls, usable } from './tls.ts';
import type { ServerTransport, Transport } from './transport.ts';

export interface ListenOptions {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  readonly tls?: ServerTls | undefined;
  readonly methods: readonly Method[];
  /** What callers may cost; other than the usual in tests. */
  readonly limits?: AdmissionLimits | undefined;
  readonly metrics?: Metrics | undefined;
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

/** @throws {SelvageError} `ADDRESS_IN_USE` when somebody listens there, `SETTING_INVALID` for TLS material or an address that is none */
export async function listen(
  { address, tls, methods, limits = ADMISSION_LIMITS, metrics = unmeasured, log }: ListenOptions,
  { serve }: Transport = transport,
): Promise<GrpcServer> {
  const unforeseen = new Refusals(log, 'a call failed in a way nobody foresaw', { level: 'error' });
  const calls = new CallMetrics(metrics);
  const connected = connectionCounter(metrics);
  const served = methods.map((method) => calls.measured(withinSize(method)));
  const serving = serve({ methods: served, limits, refusal: (thrown, path) => refusal(thrown, path, unforeseen) });
  const accept = (socket: Socket): void => {
    connected(socket);
    serving.accept(socket);
  };
  const server =
    tls === undefined
      ? createTcpServer(accept)
      : usable(() => createTlsServer({ ...tlsServerOptions(tls), ALPNProtocols: ['h2'] }, accept));
  const listener = await Listener.open({ address, server, tls, log });
  return {
    port: listener.port,
    get connections() {
      return listener.connections;
    },
    trust: (clientRoots) => listener.trust(clientRoots),
    [Symbol.asyncDispose]: () => stop(serving, listener),
  };
}

/** @see internal/pkg/comm/metrics.go in hyperledger/fabric v2.5 */
function connectionCounter(metrics: Metrics): (socket: Socket) => void {
  const help = (what: string): string => `gRPC connections ${what}. Open minus closed is the active number of connections.`;
  const opened = metrics.counter('grpc_comm_conn_opened', help('opened'));
  const closed = metrics.counter('grpc_comm_conn_closed', help('closed'));
  return (socket) => {
    opened.add();
    socket.once('close', () => closed.add());
  };
}

/** What no client would take is not sent, and the caller is told why. @see gRPC for Go, which says it so */
function withinSize(method: Method): Method {
  if (method.kind === 'unary') {
    const answered = async (...call: Parameters<typeof method.handle>): Promise<Uint8Array> => {
      const answer = await method.handle(...call);
      if (answer.length > MAX_MESSAGE_BYTES) throw tooLarge(answer);
      return answer;
    };
    return { ...method, handle: answered };
  }
  const sending = (stream: ByteStream): ByteStream => ({
    incoming: stream.incoming,
    send: (message) => (message.length > MAX_MESSAGE_BYTES ? Promise.reject(tooLarge(message)) : stream.send(message)),
  });
  return { ...method, handle: (stream: ByteStream, context: CallContext) => method.handle(sending(stream), context) };
}

/** Of what no client would take. */
export const tooLarge = (message: Uint8Array): SelvageError =>
  new SelvageError('MESSAGE_TOO_LARGE', `trying to send message larger than max (${message.length} vs. ${MAX_MESSAGE_BYTES})`, {
    advice: 'Answer with less at a time, by pages for example: a reply carries what chaincode returned twice.',
  });

/** How long calls in progress may take to end when the server stops, in milliseconds. */
const DRAIN_MS = 500;

/** Ends streams and lets other calls end for a moment, then cuts what is left: what counts is the sockets. */
async function stop(serving: ServerTransport, listener: Listener): Promise<void> {
  const closed = listener.close();
  serving.windDown();
  const enough = new AbortController();
  await Promise.race([closed, setTimeout(DRAIN_MS, undefined, { signal: enough.signal }).catch(() => undefined)]);
  enough.abort();
  await listener[Symbol.asyncDispose]();
}

function refusal(thrown: unknown, path: string, unforeseen: Refusals): CallStatus {
  const error = SelvageError.from(thrown);
  if (error.code === 'INTERNAL') unforeseen.note({ path, cause: error.cause ?? error });
  return statusOf(error);
}
