import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hex, sha256, utf8 } from '../../common/bytes.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { type TarEntry, writeTar } from '../../packages/archive/tar-writer.ts';
import { buildEnded, buildStarted } from '../../packages/build-progress.ts';
import type { BuildSpec } from '../../packages/launch-spec.ts';
import { chaincodeDockerfile } from '../../packages/platforms/dockerfile.ts';
import type { ImageVariables } from '../../packages/platforms/image-names.ts';
import type { DockerBuild, Platform } from '../../packages/platforms/platform.ts';
import type { Scratch } from '../process/scratch.ts';
import { SharedWork } from '../process/shared-work.ts';
import { Turnstile } from '../process/turnstile.ts';
import { explained, imageBuildFailed, imageMissing } from './build-errors.ts';
import { runBuilder } from './builder-container.ts';
import { builderSettings } from './builder-settings.ts';
import { ContainerOutput } from './container-output.ts';
import type { DockerEngine, HostConfig, ImageFacts } from './engine.ts';
import { isLost } from './engine-failure.ts';
import { Lingering } from './lingering.ts';
import { LABELS, type Trace, type Traces } from './traces.ts';

export interface ChaincodeImagesParts {
  readonly engine: DockerEngine;
  readonly traces: Traces;
  /** For what a builder made, until it is in its image. */
  readonly scratch: Scratch;
  readonly hostConfig: HostConfig;
  /** The peer's own environment; see builder-settings.ts. */
  readonly host: Readonly<Record<string, string | undefined>>;
  /** `chaincode.pull`: look for newer base images before each build. */
  readonly pull: boolean;
  readonly variables: ImageVariables;
  readonly maxConcurrent: number;
}

/** Which image is wanted, and of what. */
export interface ImageOrder {
  /** Name of the image; see names.ts. */
  readonly image: string;
  readonly spec: BuildSpec;
  readonly platform: Platform;
  readonly log: Logger;
}

/**
 * Makes the images of chaincode, each package once: another chaincode with the same package gets the same layers under its own
 * name and labels.
 */
export class ChaincodeImages {
  readonly #parts: ChaincodeImagesParts;
  /** By name and content. */
  readonly #ensured = new SharedWork<void>();
  /** By content. */
  readonly #built = new SharedWork<string>();
  readonly #turnstile: Turnstile;

  constructor(parts: ChaincodeImagesParts) {
    this.#parts = parts;
    this.#turnstile = new Turnstile(parts.maxConcurrent);
  }

  /**
   * Sees to it that there is an image of this package under its name: takes it as it is, takes over the layers of another chaincode
   * with the same package, or builds it. An image of other content, as after another package was installed under an old name and
   * version, loses the name; one that says nothing of its content, like a Fabric peer's, keeps it. However many ask at a time, it is
   * done once, for the output of the first.
   *
   * @throws {SelvageError} `CHAINCODE_BUILD_FAILED`, `DISK_FULL`, `DOCKER_UNAVAILABLE`, or the signal's reason; then nothing of it is left
   */
  async ensure(order: ImageOrder, { signal }: Cancellable): Promise<void> {
    const { spec, platform, image, log } = order;
    const { engine } = this.#parts;
    const build = await platform.dockerBuild(spec);
    const key = contentKey(spec, build, platform);
    const provide = async (options: Cancellable): Promise<void> => {
      const found = await engine.image(image, options);
      const content = found?.labels[LABELS.content];
      if (found !== undefined && (content ?? key) === key) return;
      if (found !== undefined) {
        log.info('the image of another package with this name and version is replaced', { image });
        await engine.removeImage(image, options);
      }
      await this.#provide(order, build, key, options);
    };
    try {
      await this.#ensured.run(`${image} ${key}`, provide, { signal });
    } catch (thrown) {
      throw explained(thrown, (message) => `Error looking for the image ${image}: ${message}`, spec.ccid);
    }
  }

  async #provide(order: ImageOrder, build: DockerBuild, key: string, { signal }: Cancellable): Promise<void> {
    const work = async (options: Cancellable): Promise<string> =>
      (await this.#find(key, options.signal))?.id ?? this.#turnstile.run(() => this.#make(order, build, key, options), options);
    const base = await this.#built.run(key, work, { signal });
    if (base !== order.image) await this.#secondStage(order, key, [`FROM ${base}`], [], { signal });
  }

  async #find(key: string, signal: AbortSignal): Promise<ImageFacts | undefined> {
    const found = await this.#parts.engine.images({ labels: [`${LABELS.content}=${key}`], dangling: false }, { signal });
    return found[0];
  }

  /** Builds and tells how that goes. @returns the name of the image */
  async #make(order: ImageOrder, build: DockerBuild, key: string, { signal }: Cancellable): Promise<string> {
    const { spec, image, log } = order;
    const started = performance.now();
    log.info('chaincode build started', { image, builder: build.image });
    spec.output?.(buildStarted(`the build in a container of ${build.image}`));
    try {
      await this.#bothStages(order, build, key, signal);
    } catch (thrown) {
      spec.output?.(buildEnded('failed', performance.now() - started));
      throw thrown;
    }
    spec.output?.(buildEnded('finished', performance.now() - started));
    log.info('chaincode build finished', { image, buildMs: Math.round(performance.now() - started) });
    return image;
  }

  async #bothStages(order: ImageOrder, build: DockerBuild, key: string, signal: AbortSignal): Promise<void> {
    const { spec, platform, log } = order;
    const { engine, traces, scratch, hostConfig, host } = this.#parts;
    const onLine = (line: string): void => {
      log.debug('chaincode build output', { line });
      spec.output?.({ stream: 'build', text: line });
    };
    for (const name of new Set([build.image, build.runtimeImage])) await this.#need(name, spec.ccid, onLine, log, signal);
    await using folder = await scratch.folder();
    const file = join(folder.path, build.output);
    const trace = traces.begin();
    try {
      const settings = await builderSettings(host, platform.name);
      await runBuilder(build, file, { engine, hostConfig, settings, labels: trace.labels, ccid: spec.ccid, onLine }, { signal });
      const binary: TarEntry = { name: build.output, size: (await stat(file)).size, open: () => createReadStream(file) };
      await this.#secondStage(order, key, platform.dockerfile(), [binary], { signal });
    } finally {
      await trace.clear();
    }
  }

  async #need(name: string, ccid: string, onLine: (line: string) => void, log: Logger, signal: AbortSignal): Promise<void> {
    const { engine, pull } = this.#parts;
    if (!pull && (await engine.image(name, { signal })) !== undefined) return;
    log.info('pulling an image', { image: name });
    onLine(`pulling ${name}`);
    try {
      await engine.pull(name, { signal });
    } catch (thrown) {
      if (signal.aborted || isLost(thrown)) throw thrown;
      if (pull && (await engine.image(name, { signal })) !== undefined) return log.warn('no newer image to be had', { image: name });
      throw imageMissing(ccid, name, thrown);
    }
  }

  /**
   * Second stage: files on top of the runtime image. A build that has all its files is let go to its end although the caller left,
   * for a moment: cut off, it would leave layers that nobody knows of.
   */
  async #secondStage(
    order: ImageOrder,
    key: string,
    first: readonly string[],
    files: readonly TarEntry[],
    { signal }: Cancellable,
  ): Promise<void> {
    const { engine, traces, variables } = this.#parts;
    const { image, spec, platform, log } = order;
    signal.throwIfAborted();
    const trace = traces.begin();
    const lines = labelled(chaincodeDockerfile({ name: platform.name, dockerfile: () => first }, spec, variables), trace, key);
    const context = writeTar([{ name: 'Dockerfile', content: utf8(lines) }, ...files]);
    const stop = (): void => void context.destroy(new SelvageError('CANCELLED', 'nobody waits for this build any more'));
    signal.addEventListener('abort', stop, { once: true });
    using lingering = new Lingering(signal);
    const output = new ContainerOutput(() => undefined);
    const onLine = (line: string): void => {
      output.push(Buffer.from(`${line}\n`), 'stdout');
      log.debug('chaincode build output', { line });
    };
    try {
      await engine.build(context, { tag: image, pull: false, onLine, signal: lingering.signal });
      if (signal.aborted) await engine.removeImage(image, { signal: lingering.signal });
      signal.throwIfAborted();
    } catch (thrown) {
      signal.throwIfAborted();
      throw thrown instanceof SelvageError && thrown.code !== 'DOCKER_REFUSED' ? thrown : imageBuildFailed(spec.ccid, thrown, output.lines);
    } finally {
      signal.removeEventListener('abort', stop);
      context.destroy();
      await trace.clear();
    }
  }
}

/** Our labels, from the first layer on, so that what a build leaves half-made is found. */
function labelled(dockerfile: string, { labels }: Trace, key: string): string {
  const own = Object.entries({ ...labels, [LABELS.content]: key }).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const lines = dockerfile.split('\n');
  const from = lines.findIndex((line) => /^\s*from\s/i.test(line)) + 1;
  return [...lines.slice(0, from), `LABEL ${own.join(' ')}`, ...lines.slice(from), ''].join('\n');
}

/** All that an image is made of: the package, how it is built, and on what. */
function contentKey(
  { codePackage, path, platform: type }: BuildSpec,
  { image, command, runtimeImage }: DockerBuild,
  platform: Platform,
): string {
  const how = [type, path, image, runtimeImage, command, ...platform.dockerfile()].join('\n');
  return hex(sha256(sha256(utf8(how)), sha256(codePackage)));
}
