import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type Cancellable, orAbort } from '../../common/cancel.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import { apiPrefix } from './api-version.ts';
import { refused, unavailable, WITHOUT_TLS } from './engine-failure.ts';
import { type EndpointSettings, EngineAnswer, EngineHttp, queryOf } from './engine-http.ts';

export interface Call extends Cancellable {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  readonly json?: Readonly<Record<string, unknown>>;
  /** A body that is no JSON. */
  readonly body?: Readable | Uint8Array;
  /** In no version of the API: for asking which there are. */
  readonly unversioned?: boolean;
}

/**
 * The API of an engine, with every answer as a stream: an engine that dies in the middle of one is noticed. The version of the API is
 * agreed on with the first call, and again when the engine may have become another.
 */
export class EngineApi {
  readonly endpoint: string;
  readonly #http: EngineHttp;
  /** Before each path. */
  #prefix: string | undefined;

  /** @throws {SelvageError} `SETTING_INVALID` for an endpoint that cannot be one */
  constructor(settings: EndpointSettings) {
    this.endpoint = settings.endpoint;
    this.#http = new EngineHttp(settings);
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

  async #dial({ method, path, query = {}, json, body, signal }: Call, prefix: string): Promise<IncomingMessage> {
    const answer = this.#http.request({ method, path: `${prefix}${path}${queryOf(query)}`, json, body, signal });
    try {
      return await orAbort(answer, signal);
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
    if (thrown instanceof EngineAnswer && !WITHOUT_TLS.test(thrown.message)) {
      if (/client version \S+ is too (old|new)/.test(thrown.message)) this.#prefix = undefined;
      return refused(thrown.message, thrown.statusCode, thrown);
    }
    this.#prefix = undefined;
    return unavailable(this.endpoint, thrown);
  }
}

/** Nobody reads the rest of a body whose answer is over. */
function release(body: Call['body']): void {
  if (body !== undefined && 'destroy' in body) body.destroy();
}

/** @throws {SelvageError} `DOCKER_REFUSED` for what is no JSON */
export function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused(`the engine's answer is no JSON: ${messageOf(cause)}`, undefined, cause);
  }
}
