import { createServer, type Server } from 'node:http';
import { SelvageError } from '../common/errors.ts';

export interface OperationsParts {
  /** `host:port`. */
  readonly address: string;
  readonly metrics: () => Promise<string>;
  /** Names of failed checks with their reasons; empty when all is well. */
  readonly failedChecks: () => readonly { readonly component: string; readonly reason: string }[];
  readonly version: string;
}

/** `/healthz`, `/metrics` and `/version`, as Fabric's operations server has them. Disposing closes it. */
export async function serveOperations(parts: OperationsParts): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((request, response) => {
    answer(parts, request.url ?? '/').then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  const at = parts.address.lastIndexOf(':');
  const host = parts.address.slice(0, at).replace(/^\[|\]$/g, '') || '0.0.0.0';
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new SelvageError('ADDRESS_IN_USE', `cannot listen on ${parts.address}: ${cause.message}`, { cause })),
    );
    server.listen(Number(parts.address.slice(at + 1)), host, resolve);
  });
  const bound = server.address();
  return { port: typeof bound === 'object' && bound !== null ? bound.port : 0, [Symbol.asyncDispose]: () => close(server) };
}

async function answer({ metrics, failedChecks, version }: OperationsParts, url: string) {
  const json = (status: number, value: unknown) => ({ status, type: 'application/json', body: JSON.stringify(value) });
  switch (url) {
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4', body: await metrics() };
    case '/healthz': {
      const failed = failedChecks();
      if (failed.length === 0) return json(200, { status: 'OK', time: new Date().toISOString() });
      return json(503, { status: 'Service Unavailable', time: new Date().toISOString(), failed_checks: failed });
    }
    case '/version':
      return json(200, { Version: version });
    default:
      return json(404, { Error: `no such page: ${url}` });
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
