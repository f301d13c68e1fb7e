import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { TLSSocket } from 'node:tls';
import { Listener, tlsServerOptions } from '../../comm/listener.ts';
import { type ServerTls, usable } from '../../comm/tls.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { OrderedChannels } from './ordered-channels.ts';
import { type ApiAnswer, answerParticipation } from './participation-api.ts';

export interface ParticipationParts {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  /** With authorities of clients: who administers must have a certificate of one of them. */
  readonly tls: ServerTls | undefined;
  readonly channels: OrderedChannels;
  readonly log: Logger;
}

/** What callers may cost: milliseconds for headers and for a whole request, connections at a time, bytes of a form. */
const BOUNDS = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 60_000 };
const MOST_CONNECTIONS = 100;
/** @see ChannelParticipation.MaxRequestBodySize in hyperledger/fabric v2.5, sampleconfig/orderer.yaml */
const MOST_BODY = 1024 * 1024;

/**
 * The listener for who administers an orderer (`osnadmin`). Without TLS its address decides who may.
 * @throws {SelvageError} `ADDRESS_IN_USE`, `SETTING_INVALID` for TLS material that is none
 */
export async function serveParticipation(parts: ParticipationParts): Promise<AsyncDisposable & { readonly port: number }> {
  const { address, tls, log } = parts;
  const serve: RequestListener = (request, response) => {
    answer(parts, request).then(
      (made) => send(request, response, made),
      (thrown: unknown) => {
        log.error('a request of the channel participation API failed', { path: request.url?.slice(0, 200), cause: thrown });
        send(request, response, { status: 500, headers: { 'content-type': 'application/json' }, body: '{"error":"internal error"}\n' });
      },
    );
  };
  const server =
    tls === undefined
      ? createServer(BOUNDS, serve)
      : usable(() => createSecureServer({ ...tlsServerOptions(tls, 'optional'), ...BOUNDS }, serve));
  return Listener.open({ address, server, tls, connections: MOST_CONNECTIONS, log });
}

/** Who still sends when the answer is there is not listened to any longer. */
function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: ApiAnswer): void {
  const closing = request.complete ? {} : { connection: 'close' };
  response.writeHead(status, { ...headers, ...closing }).end(body);
}

/** @see RequireCert in hyperledger/fabric v2.5, common/fabhttp */
async function answer({ tls, channels }: ParticipationParts, request: IncomingMessage): Promise<ApiAnswer> {
  const { socket, method = '', headers } = request;
  if (tls !== undefined && !(socket instanceof TLSSocket && socket.authorized)) return { status: 401, headers: {}, body: '' };
  const { accept, 'content-type': contentType } = headers;
  return answerParticipation(channels, { method, path: pathOf(request), accept, contentType, body: () => bodyOf(request) });
}

/** What no URL can be made of is no page. */
function pathOf({ url = '/' }: IncomingMessage): string {
  try {
    return decodeURIComponent(new URL(url, 'http://orderer').pathname);
  } catch {
    return url;
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MOST_BODY)
      throw new SelvageError('MALFORMED', 'cannot read form from request body: multipart: NextPart: http: request body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
