import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { SelvageError } from '../../common/errors.ts';

/** PEM texts. */
export interface EngineTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface EndpointSettings {
  /** `vm.endpoint`: `unix:///var/run/docker.sock`, `npipe:////./pipe/docker_engine`, `tcp://host:2376`, `http(s)://host:port`. */
  readonly endpoint: string;
  /** When `vm.docker.tls.enabled`. */
  readonly tls?: EngineTls | undefined;
}

export interface EngineRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  /** With its query. */
  readonly path: string;
  readonly json?: Readonly<Record<string, unknown>> | undefined;
  /** A body that is no JSON: a tar. */
  readonly body?: Readable | Uint8Array | undefined;
  readonly signal: AbortSignal;
}

/** An answer that says no. */
export class EngineAnswer extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/**
 * HTTP to a Docker engine, a connection per request: an engine that was restarted is not talked to over what is left of the old one.
 * Nothing but the configuration says where it is.
 */
export class EngineHttp {
  readonly #send: (options: RequestOptions) => ClientRequest;

  /** @throws {SelvageError} `SETTING_INVALID` for an endpoint that cannot be one */
  constructor({ endpoint, tls }: EndpointSettings) {
    const { secure, ...place } = placeOf(endpoint, tls !== undefined);
    const agent = secure ? new HttpsAgent({ keepAlive: false, ...tls }) : new Agent({ keepAlive: false });
    const request = secure ? httpsRequest : httpRequest;
    this.#send = (options) => request({ ...place, ...options, agent });
  }

  /**
   * Resolves when the answer begins. Its signal ends the answer, too.
   * @throws {EngineAnswer} for an answer that is no success; what the connection fails with
   */
  async request(asked: EngineRequest): Promise<IncomingMessage> {
    const response = await this.#begin(asked);
    const { statusCode = 0 } = response;
    if ((statusCode >= 200 && statusCode < 300) || statusCode === 304) return response;
    throw new EngineAnswer(statusCode, messageIn(await text(response)));
  }

  #begin({ method, path, json, body, signal }: EngineRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const content = json === undefined ? body : Buffer.from(JSON.stringify(json));
      const type = json === undefined ? 'application/tar' : 'application/json';
      const headers = content === undefined ? {} : { 'content-type': type };
      const request = this.#send({ method, path, headers, signal });
      request.once('response', resolve);
      request.on('error', reject); // a body that is refused fails once more after the answer
      if (content === undefined || content instanceof Uint8Array) request.end(content);
      else content.once('error', (cause) => request.destroy(cause)).pipe(request);
    });
  }
}

/** Values that are lists come several times, as the engine wants them. */
export function queryOf(query: Readonly<Record<string, string | readonly string[]>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((each): [string, string] => [name, each]));
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}

/** The engine answers `{"message": …}`; what stands before it may answer any text. */
function messageIn(answer: string): string {
  try {
    const parsed: unknown = JSON.parse(answer);
    const told = typeof parsed === 'object' && parsed !== null && 'message' in parsed ? parsed.message : undefined;
    return typeof told === 'string' ? told : answer;
  } catch {
    return answer;
  }
}

type Place = { readonly secure: boolean } & ({ readonly socketPath: string } | { readonly host: string; readonly port: string });

/** Where an endpoint is. @throws {SelvageError} `SETTING_INVALID` */
export function placeOf(endpoint: string, secure: boolean): Place {
  const local = /^(unix|npipe):\/\/(.+)$/.exec(endpoint)?.[2];
  if (local !== undefined) return { secure: false, socketPath: local };
  const url = /^(tcp|https?):\/\//.test(endpoint) && URL.canParse(endpoint) ? new URL(endpoint.replace(/^tcp:/, 'http:')) : undefined;
  if (url === undefined || url.hostname === '') {
    throw new SelvageError('SETTING_INVALID', `vm.endpoint is no place of a Docker engine: ${JSON.stringify(endpoint)}`, {
      advice: 'Use unix:///var/run/docker.sock, npipe:////./pipe/docker_engine or tcp://host:port.',
    });
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { secure: secure || url.protocol === 'https:', host, port: portIn(endpoint) ?? (secure ? '2376' : '2375') };
}

/** The port as it is written: a URL of HTTP forgets one that is HTTP's own. */
function portIn(endpoint: string): string | undefined {
  const { port } = new URL(endpoint.replace(/^\w+:/, 'engine:'));
  return port === '' ? undefined : port;
}
