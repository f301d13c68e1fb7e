import { Agent as HttpAgent, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import { type Cancellable, orAbort } from '../../common/cancel.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { apiPrefix } from './api-version.ts';
import { refused, unavailable, WITHOUT_TLS } from './engine-failure.ts';

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

export interface Call extends Cancellable {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly json?: Readonly<Record<string, unknown>>;
  /** A body that is no JSON. */
  readonly body?: Readable | Uint8Array;
  /** In no version of the API: for asking which there are. */
  readonly unversioned?: boolean;
}

type Dialler = Docker['modem'];
type DialOptions = Parameters<Dialler['dial']>[0];

const GOOD = { 200: true, 201: true, 204: true, 304: true } as const;

/**
 * HTTP to the engine, by dockerode's own transport, with every answer as a stream: an engine that dies in the middle of one is
 * noticed. The version of the API is agreed on with the first call, and again when the engine may have become another.
 */
export class Modem {
  readonly endpoint: string;
  readonly #dialler: Dialler;
  /** Before each path. */
  #prefix: string | undefined;

  /** @throws {SelvageError} `SETTING_INVALID` for an endpoint that cannot be one */
  constructor({ endpoint, tls }: EndpointSettings) {
    this.endpoint = endpoint;
    const agent = quiet(tls === undefined ? new HttpAgent({ keepAlive: false }) : new HttpsAgent({ keepAlive: false }));
    const place = placeOf(endpoint, tls !== undefined);
    const material = { ca: tls?.ca, cert: tls?.cert, key: tls?.key };
    const docker = new Docker({ ...NOTHING_FROM_DOCKER_HOST, ...place, ...material, ...{ agent, pathPrefix: '/' } });
    this.#dialler = docker.modem;
  }

  /** @throws {SelvageError} see DockerEngine */
  async stream(call: Call): Promise<IncomingMessage> {
    const { signal, body } = call;
    try {
      signal.throwIfAborted();
      const prefix = call.unversioned === true ? '' : (this.#prefix ?? (await this.#agree(signal)));
      return (await this.#dial(call, prefix)).once('close', () => release(body));
    } catch (thrown) {
      release(body);
      throw signal.aborted ? signal.reason : this.failure(thrown);
    }
  }

  async #agree(signal: AbortSignal): Promise<string> {
    const facts = parseAnswer(await this.text({ method: 'GET', path: '/version', unversioned: true, signal }));
    this.#prefix = apiPrefix(typeof facts === 'object' && facts !== null ? facts : {});
    return this.#prefix;
  }

  async #dial(call: Call, prefix: string): Promise<IncomingMessage> {
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      this.#dialler.dial(dialOptions(call, prefix), (failure, response) => {
        if (response instanceof IncomingMessage) resolve(response);
        else reject(failure);
      });
    });
    try {
      return await orAbort(answer, call.signal);
    } catch (thrown) {
      answer.then((late) => late.destroy()).catch(() => undefined);
      throw thrown;
    }
  }

  async text(call: Call): Promise<string> {
    const response = await this.stream(call);
    try {
      return (await buffer(response)).toString('utf8');
    } catch (thrown) {
      throw call.signal.aborted ? call.signal.reason : this.failure(thrown);
    }
  }

  /** What `thrown` by a call, or by the stream of its answer, means. */
  failure(thrown: unknown): SelvageError {
    if (thrown instanceof SelvageError) return thrown;
    if (thrown instanceof Error && 'statusCode' in thrown && typeof thrown.statusCode === 'number' && !WITHOUT_TLS.test(thrown.message)) {
      if (/client version \S+ is too (old|new)/.test(thrown.message)) this.#prefix = undefined;
      return refused(thrown.message.replace(/^\(HTTP code \d+\) unexpected - /, ''), thrown.statusCode, thrown);
    }
    this.#prefix = undefined;
    return unavailable(this.endpoint, thrown);
  }
}

/** docker-modem inspects its options before each request, to their depths and for a debug log that is off; an agent's are its open sockets. */
const quiet = <T extends HttpAgent>(agent: T): T => Object.assign(agent, { [inspect.custom]: () => 'Agent' });

/** Nobody reads the rest of a body whose answer is over. */
function release(body: Call['body']): void {
  if (body !== undefined && 'destroy' in body) body.destroy();
}

function dialOptions({ method, path, query = {}, json, body, signal }: Call, prefix: string): DialOptions {
  const file = body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : body;
  return {
    method,
    path: `${prefix}${path}?`,
    options: Object.keys(query).length === 0 && json === undefined ? undefined : { _query: query, _body: json ?? {} },
    file,
    isStream: true,
    statusCodes: GOOD,
    abortSignal: signal,
  };
}

/** The configuration says where the engine is; dockerode would also look at the environment. */
const NOTHING_FROM_DOCKER_HOST = {
  host: undefined,
  port: undefined,
  protocol: undefined,
  socketPath: undefined,
  timeout: undefined,
} as const;

function placeOf(endpoint: string, secure: boolean): { socketPath: string } | { host: string; port: string; protocol: 'http' | 'https' } {
  const local = /^(unix|npipe):\/\/(.+)$/.exec(endpoint)?.[2];
  if (local !== undefined) return { socketPath: local };
  const url = /^(tcp|https?):\/\//.test(endpoint) && URL.canParse(endpoint) ? new URL(endpoint.replace(/^tcp:/, 'http:')) : undefined;
  if (url === undefined || url.hostname === '') {
    throw new SelvageError('SETTING_INVALID', `vm.endpoint is no place of a Docker engine: ${JSON.stringify(endpoint)}`, {
      advice: 'Use unix:///var/run/docker.sock, npipe:////./pipe/docker_engine or tcp://host:port.',
    });
  }
  const protocol = secure || url.protocol === 'https:' ? 'https' : 'http';
  return { host: url.hostname, port: url.port === '' ? (secure ? '2376' : '2375') : url.port, protocol };
}

/** @throws {SelvageError} `DOCKER_REFUSED` for what is no JSON */
export function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused(`the engine's answer is no JSON: ${messageOf(cause)}`, undefined, cause);
  }
}
