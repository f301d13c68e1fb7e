import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { TLSSocket } from 'node:tls';
import { Listener, tlsServerOptions } from '../comm/listener.ts';
import { type ServerTls, usable } from '../comm/tls.ts';
import { joinAddress, splitAddress } from '../common/address.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { AcceptedConnection } from '../runtimes/local-caller.ts';
import type { LogLevels } from './log-levels.ts';

/** Why a part of the node is not well. */
export interface FailedCheck {
  readonly component: string;
  readonly reason: string;
}

export interface OperationsParts {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  readonly tls?: OperationsTls | undefined;
  /** What Prometheus scrapes. */
  readonly metrics: () => string;
  /** Empty when all is well. */
  readonly failedChecks: () => readonly FailedCheck[];
  /** Why the node does not serve yet, or no longer; empty, as without it, when it does. */
  readonly unready?: (() => readonly FailedCheck[]) | undefined;
  /** The log's levels, which may be read and changed. */
  readonly logLevels?: LogLevels | undefined;
  readonly version: string;
  /** What the version was built from; absent where nobody knows. */
  readonly commitSha?: string | undefined;
  /** Without TLS: whether who asks for a change may be chaincode of this peer, which may change nothing. */
  readonly mayBeChaincode?: ((connection: AcceptedConnection) => Promise<boolean>) | undefined;
  readonly log: Logger;
}

/** With client roots, which may be none at all. Who shows a certificate must have one that they issued. */
export interface OperationsTls extends ServerTls {
  /** Whether everybody must show one; `/metrics` and `/logspec` are for those with one alone in any case. */
  readonly clientAuthRequired: boolean;
}

/** An operations server that answers. Disposing closes it and the connections it has. */
export interface OperationsServer extends AsyncDisposable {
  /** As it is bound, so with a port. */
  readonly address: string;
}

/**
 * For operators: `/healthz`, `/readyz`, `/metrics`, `/logspec` and `/version`. Without TLS, who may reach it is decided by the address.
 *
 * @throws {SelvageError} `ADDRESS_IN_USE`, `SETTING_INVALID` for TLS material that is none
 * @see core/operations/system.go and common/fabhttp in hyperledger/fabric v2.5
 */
export async function serveOperations(parts: OperationsParts): Promise<OperationsServer> {
  const { address, tls, log } = parts;
  const serve: RequestListener = (request, response) => {
    answer(parts, request).then(
      ({ status, type, body }) => send(request, response, { status, type, body }),
      (thrown: unknown) => send(request, response, { status: 500, type: 'text/plain', body: messageOf(thrown) }),
    );
  };
  const listener = await listening({ address, server: serverFor(tls, serve), tls, log });
  const { host } = splitAddress(address) ?? { host: '' };
  return { address: joinAddress({ host, port: listener.port }), [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose]() };
}

/** What callers may cost, whom nobody asks who they are: milliseconds for headers and for a whole request, connections at a time. */
const BOUNDS = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 60_000 };
const MOST_CONNECTIONS = 500;

function serverFor(tls: OperationsTls | undefined, serve: RequestListener) {
  if (tls === undefined) return createServer(BOUNDS, serve);
  const options = tlsServerOptions(tls, tls.clientAuthRequired ? 'required' : 'optional');
  return usable(() => createSecureServer({ ...options, ...BOUNDS }, serve));
}

async function listening(options: Parameters<typeof Listener.open>[0]): Promise<Listener> {
  try {
    return await Listener.open({ ...options, connections: MOST_CONNECTIONS });
  } catch (thrown) {
    const { code, message, details, cause, advice: generally = '' } = SelvageError.from(thrown);
    const advice = `${generally} It is set by operations.listenAddress (CORE_OPERATIONS_LISTENADDRESS).`.trimStart();
    throw new SelvageError(code, `operations: ${message}`, { cause, details, advice });
  }
}

/** So much more is taken from who still sends when the answer is there. */
const MOST_DRAINED = 16 * 1024 * 1024;
/** After so many milliseconds without a byte more it is taken for read. */
const QUIET_MS = 1_000;

/**
 * Who still sends when the answer is there has it at once, and is heard out for a while, before the connection closes: closed on what was
 * not read, it would take the answer with it.
 */
function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: Answer): void {
  const head = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
  if (request.complete) {
    response.writeHead(status, head).end(body);
    return;
  }
  response.writeHead(status, { ...head, connection: 'close' });
  if (body === '' || request.method === 'HEAD') response.flushHeaders();
  else response.write(body);
  const quiet = setTimeout(() => response.end(), QUIET_MS);
  let left = MOST_DRAINED;
  request.on('data', (chunk: Buffer) => {
    quiet.refresh();
    left -= chunk.length;
    if (left < 0) response.end();
  });
  request.once('close', () => {
    clearTimeout(quiet);
    response.end();
  });
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const json = (status: number, value: unknown): Answer => ({ status, type: 'application/json', body: JSON.stringify(value) });

/** With TLS: what tells or changes more than whether the node is well. */
const FOR_KNOWN_CLIENTS: ReadonlySet<string> = new Set(['/metrics', '/logspec']);

const isKnown = ({ socket }: IncomingMessage): boolean => socket instanceof TLSSocket && socket.authorized;

async function answer(parts: OperationsParts, request: IncomingMessage): Promise<Answer> {
  const pathname = pathOf(request);
  if (parts.tls !== undefined && FOR_KNOWN_CLIENTS.has(pathname) && !isKnown(request)) return { status: 401, type: 'text/plain', body: '' };
  if (pathname === '/metrics' && request.method === 'HEAD') return metricsOf(parts);
  if (pathname === '/logspec' && parts.logLevels !== undefined) {
    if (request.method === 'PUT' && parts.tls === undefined && (await parts.mayBeChaincode?.(request.socket))) {
      parts.log.warn('chaincode wanted to change the log levels', { remote: request.socket.remoteAddress });
      return json(403, { error: 'chaincode of this peer may not change it; with operations.tls, clients are known by their certificates' });
    }
    return logSpec(parts.logLevels, request);
  }
  if (request.method !== 'GET') return json(405, { Error: `invalid request method: ${request.method}` });
  switch (pathname) {
    case '/metrics':
      return metricsOf(parts);
    case '/healthz':
      return health(parts.failedChecks());
    case '/readyz':
      return health(parts.unready?.() ?? []);
    case '/version':
      return json(200, { CommitSHA: parts.commitSha ?? 'development build', Version: parts.version });
    default:
      return json(404, { Error: `no such page: ${pathname.slice(0, 200)}` });
  }
}

const metricsOf = ({ metrics }: OperationsParts): Answer => ({
  status: 200,
  type: 'text/plain; version=0.0.4',
  body: metrics(),
});

/** What no URL can be made of is no page. */
function pathOf({ url = '/' }: IncomingMessage): string {
  try {
    return new URL(url, 'http://operations').pathname;
  } catch {
    return url;
  }
}

function health(failed: readonly FailedCheck[]): Answer {
  const time = new Date().toISOString();
  return failed.length === 0
    ? json(200, { status: 'OK', time })
    : json(503, { status: 'Service Unavailable', time, failed_checks: failed });
}

/** @see common/flogging/httpadmin/spec.go in hyperledger/fabric v2.5 */
async function logSpec(levels: LogLevels, request: IncomingMessage): Promise<Answer> {
  if (request.method === 'GET') return json(200, { spec: levels.text });
  if (request.method !== 'PUT') return json(400, { error: `invalid request method: ${request.method}` });
  try {
    const { spec }: { spec?: unknown } = Object(JSON.parse(await bodyOf(request)));
    if (typeof spec !== 'string') return json(400, { error: 'expected {"spec":"…"}' });
    levels.activate(spec);
    return { status: 204, type: 'application/json', body: '' };
  } catch (thrown) {
    return json(400, { error: messageOf(thrown) });
  }
}

const MOST_BODY = 64 * 1024;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += chunk.length;
    if (length > MOST_BODY) throw new SelvageError('MALFORMED', 'the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
