import { createServer, type IncomingMessage, type Server } from 'node:http';
import { isUnspecified, joinAddress, splitAddress } from '../common/address.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { LogLevels } from './logging.ts';

/** Why a part of the node is not well. */
export interface FailedCheck {
  readonly component: string;
  readonly reason: string;
}

export interface OperationsParts {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  /** What Prometheus scrapes. */
  readonly metrics: () => Promise<string>;
  /** Empty when all is well. */
  readonly failedChecks: () => readonly FailedCheck[];
  /** The log's levels, which may be read and changed. */
  readonly logLevels?: LogLevels | undefined;
  readonly version: string;
}

/** An operations server that answers. Disposing closes it and the connections it has. */
export interface OperationsServer extends AsyncDisposable {
  /** As it is bound, so with a port. */
  readonly address: string;
}

/**
 * Plain HTTP for operators: `/healthz`, `/metrics`, `/logspec` and `/version`. Who may reach it is decided by the address.
 *
 * @throws {SelvageError} `ADDRESS_IN_USE`
 * @see core/operations/system.go in hyperledger/fabric v2.5
 */
export async function serveOperations(parts: OperationsParts): Promise<OperationsServer> {
  const server = createServer((request, response) => {
    answer(parts, request).then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      (thrown: unknown) => response.writeHead(500).end(messageOf(thrown)),
    );
  });
  const { host, port } = splitAddress(parts.address) ?? { host: '', port: 0 };
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(taken(parts.address, cause)));
    server.listen(port, isUnspecified(host) ? undefined : host, resolve);
  });
  const bound = server.address();
  return {
    address: joinAddress({ host, port: typeof bound === 'object' && bound !== null ? bound.port : port }),
    [Symbol.asyncDispose]: () => close(server),
  };
}

const taken = (address: string, cause: Error): SelvageError =>
  new SelvageError('ADDRESS_IN_USE', `operations: cannot listen on ${address}: ${cause.message}`, {
    cause,
    details: { address },
    advice: 'Stop the process that uses the port, or set operations.listenAddress (CORE_OPERATIONS_LISTENADDRESS).',
  });

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const json = (status: number, value: unknown): Answer => ({ status, type: 'application/json', body: JSON.stringify(value) });

async function answer(parts: OperationsParts, request: IncomingMessage): Promise<Answer> {
  const { pathname } = new URL(request.url ?? '/', 'http://operations');
  if (pathname === '/logspec' && parts.logLevels !== undefined) return logSpec(parts.logLevels, request);
  if (request.method !== 'GET') return json(405, { Error: `invalid request method: ${request.method}` });
  switch (pathname) {
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4', body: await parts.metrics() };
    case '/healthz':
      return health(parts.failedChecks());
    case '/version':
      return json(200, { Version: parts.version });
    default:
      return json(404, { Error: `no such page: ${pathname}` });
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
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MOST_BODY) throw new SelvageError('MALFORMED', 'the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
