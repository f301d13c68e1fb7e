import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type Cancellable, orAbort } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type {
  Attachment,
  BuildOptions,
  ContainerFacts,
  ContainerSpec,
  ContainerState,
  DockerEngine,
  EngineVersion,
  ImageFacts,
  LabelFilter,
} from './engine.ts';
import { type Call, EngineApi, parseAnswer } from './engine-api.ts';
import { statusOf } from './engine-failure.ts';
import type { EndpointSettings } from './engine-http.ts';
import { readProgress } from './json-lines.ts';
import { OutputFrames, type OutputStream } from './output-frames.ts';

/** A Docker Engine over its REST API. */
export class HttpEngine implements DockerEngine {
  readonly endpoint: string;
  readonly #api: EngineApi;

  constructor(settings: EndpointSettings) {
    this.endpoint = settings.endpoint;
    this.#api = new EngineApi(settings);
  }

  async version({ signal }: Cancellable): Promise<EngineVersion> {
    const facts = fields(await this.#json({ method: 'GET', path: '/version', unversioned: true, signal }));
    return {
      version: text(facts['Version']),
      apiVersion: text(facts['ApiVersion']),
      os: text(facts['Os']),
      arch: text(facts['Arch']),
    };
  }

  async image(name: string, { signal }: Cancellable): Promise<ImageFacts | undefined> {
    const facts = await unlessMissing(this.#json({ method: 'GET', path: `/images/${name}/json`, signal }));
    if (facts === undefined) return undefined;
    const { Id, RepoTags, Config, Size } = fields(facts);
    return { id: text(Id), tags: texts(RepoTags), labels: labelsOf(fields(Config)['Labels']), size: Number(Size) };
  }

  async images({ labels, dangling }: LabelFilter, { signal }: Cancellable): Promise<readonly ImageFacts[]> {
    const filters = JSON.stringify({ label: labels, ...(dangling !== undefined && { dangling: [String(dangling)] }) });
    const found = await this.#json({ method: 'GET', path: '/images/json', query: { filters }, signal });
    return list(found).map(({ Id, RepoTags, Labels, Size }) => ({
      id: text(Id),
      tags: texts(RepoTags).filter((tag) => tag !== '<none>:<none>'),
      labels: labelsOf(Labels),
      size: Number(Size),
    }));
  }

  async pull(name: string, { signal }: Cancellable): Promise<void> {
    const tagged = /[:@][^/]*$/.test(name) ? name : `${name}:latest`;
    await this.#progress({ method: 'POST', path: '/images/create', query: { fromImage: tagged }, signal }, () => undefined);
  }

  async build(context: Readable, { tag, pull, onLine, signal }: BuildOptions): Promise<void> {
    const query = { t: tag, rm: 'true', forcerm: 'true', ...(pull && { pull: '1' }) };
    await this.#progress({ method: 'POST', path: '/build', query, body: context, signal }, onLine);
  }

  async importImage(tar: Readable, name: string, changes: readonly string[], { signal }: Cancellable): Promise<void> {
    const query = { fromSrc: '-', repo: name, changes }; // Podman knows no tag beside it
    await this.#progress({ method: 'POST', path: '/images/create', query, body: tar, signal }, () => undefined);
  }

  async commit(container: string, name: string, changes: readonly string[], { signal }: Cancellable): Promise<void> {
    const [, repo = name, tag = 'latest'] = /^(.*):([^/:]+)$/.exec(name) ?? [];
    await this.#api.text({ method: 'POST', path: '/commit', query: { container, repo, tag, changes }, signal });
  }

  async removeImage(name: string, { signal, force = true }: Cancellable & { readonly force?: boolean }): Promise<void> {
    await unlessMissing(this.#api.text({ method: 'DELETE', path: `/images/${name}`, query: { force: String(force) }, signal }));
  }

  async imageBytes({ signal }: Cancellable): Promise<number | undefined> {
    const { LayersSize, ImageUsage } = fields(await this.#json({ method: 'GET', path: '/system/df', query: { type: 'image' }, signal }));
    const bytes = LayersSize ?? fields(ImageUsage)['TotalSize']; // the second since API 1.52
    return typeof bytes === 'number' && bytes > 0 ? bytes : undefined; // Podman says 0
  }

  async create({ name, image, command, env, labels, hostConfig }: ContainerSpec, { signal }: Cancellable): Promise<string | undefined> {
    const json = {
      Cmd: command,
      Image: image,
      Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
      AttachStdout: true,
      AttachStderr: true,
      Labels: labels,
      HostConfig: hostConfig,
    };
    const query = name === undefined ? {} : { name };
    const made = await unlessMissing(this.#json({ method: 'POST', path: '/containers/create', query, json, signal }));
    return made === undefined ? undefined : text(fields(made)['Id']);
  }

  async containers({ labels }: LabelFilter, { signal }: Cancellable): Promise<readonly ContainerFacts[]> {
    const query = { all: 'true', filters: JSON.stringify({ label: labels }) };
    const found = await this.#json({ method: 'GET', path: '/containers/json', query, signal });
    return list(found).map(({ Id, Names, Labels }) => ({
      id: text(Id),
      names: texts(Names).map((name) => name.replace(/^\//, '')),
      labels: labelsOf(Labels),
    }));
  }

  async inspect(container: string, { signal }: Cancellable): Promise<ContainerState | undefined> {
    const facts = await unlessMissing(this.#json({ method: 'GET', path: `/containers/${container}/json`, signal }));
    if (facts === undefined) return undefined;
    const { Running, ExitCode, OOMKilled } = fields(fields(facts)['State']);
    return { running: Running === true, exitCode: Number(ExitCode), outOfMemory: OOMKilled === true };
  }

  async attach(container: string, onChunk: (chunk: Buffer, stream: OutputStream) => void, { signal }: Cancellable): Promise<Attachment> {
    // Not what its log has as well: the engine listens to the container before it answers, and would give a line twice that came meanwhile.
    const query = { logs: '0', stream: '1', stdout: '1', stderr: '1' };
    const unbound = new AbortController(); // the signal is for attaching; what is attached lives longer
    const answer = await this.#attached({ method: 'POST', path: `/containers/${container}/attach`, query, signal: unbound.signal }, signal);
    const frames = new OutputFrames(onChunk);
    answer.on('data', (chunk: Buffer) => frames.push(chunk));
    const ended = finished(answer).catch(() => undefined);
    return { ended, [Symbol.dispose]: () => unbound.abort() };
  }

  async upload(container: string, folder: string, tar: Uint8Array, { signal }: Cancellable): Promise<void> {
    const query = { path: folder, noOverwriteDirNonDir: 'false' };
    await this.#api.text({ method: 'PUT', path: `/containers/${container}/archive`, query, body: tar, signal });
  }

  download(container: string, path: string, { signal }: Cancellable): Promise<Readable> {
    return this.#api.stream({ method: 'GET', path: `/containers/${container}/archive`, query: { path }, signal });
  }

  async start(container: string, { signal }: Cancellable): Promise<void> {
    await this.#api.text({ method: 'POST', path: `/containers/${container}/start`, signal });
  }

  async stop(container: string, seconds: number, { signal }: Cancellable): Promise<void> {
    await this.#api.text({ method: 'POST', path: `/containers/${container}/stop`, query: { t: String(seconds) }, signal });
  }

  async kill(container: string, { signal }: Cancellable): Promise<void> {
    await this.#api.text({ method: 'POST', path: `/containers/${container}/kill`, signal });
  }

  async remove(container: string, { signal }: Cancellable): Promise<void> {
    const query = { force: '1', v: '1' };
    try {
      await unlessMissing(this.#api.text({ method: 'DELETE', path: `/containers/${container}`, query, signal }));
    } catch (thrown) {
      if (!isBeingRemoved(thrown)) throw thrown;
      await this.#gone(container, signal);
    }
  }

  /** The engine answers a second removal at once, while the first still holds the name. */
  async #gone(container: string, signal: AbortSignal): Promise<void> {
    const query = { condition: 'removed' };
    await unlessMissing(this.#api.text({ method: 'POST', path: `/containers/${container}/wait`, query, signal }));
  }

  async wait(container: string, { signal }: Cancellable): Promise<number> {
    const answer = fields(await this.#json({ method: 'POST', path: `/containers/${container}/wait`, signal }));
    return Number(answer['StatusCode']);
  }

  async #json(call: Call): Promise<unknown> {
    return parseAnswer(await this.#api.text(call));
  }

  async #progress(call: Call, onLine: (line: string) => void): Promise<void> {
    try {
      await readProgress(await this.#api.stream(call), onLine);
    } catch (thrown) {
      throw call.signal.aborted ? call.signal.reason : this.#api.failure(thrown);
    }
  }

  async #attached(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const answer = this.#api.stream(call);
    try {
      return await orAbort(answer, signal);
    } catch (thrown) {
      void answer.then((late) => late.destroy()).catch(() => undefined);
      throw thrown;
    }
  }
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (thrown) {
    if (statusOf(thrown) === 404) return undefined;
    throw thrown;
  }
}

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {});
const list = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fields) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(text) : []);
const labelsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(fields(value)).map(([key, label]) => [key, text(label)]));

const isBeingRemoved = (thrown: unknown): boolean =>
  thrown instanceof SelvageError && thrown.details['status'] === 409 && /removal .* already in progress/i.test(thrown.message);
