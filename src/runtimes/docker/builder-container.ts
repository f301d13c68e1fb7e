import { createWriteStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Cancellable, orAbort } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { type TarEntry, writeTar } from '../../packages/archive/tar-writer.ts';
import type { DockerBuild } from '../../packages/platforms/platform.ts';
import { builderFailed, explained, imageMissing } from './build-errors.ts';
import type { BuilderSettings } from './builder-settings.ts';
import { ContainerOutput } from './container-output.ts';
import type { DockerEngine, HostConfig } from './engine.ts';
import { toItsEnd } from './lingering.ts';

export interface BuilderParts {
  readonly engine: DockerEngine;
  readonly hostConfig: HostConfig;
  readonly settings: BuilderSettings;
  readonly labels: Readonly<Record<string, string>>;
  readonly ccid: string;
  readonly onLine: (line: string) => void;
}

/**
 * First stage: runs the platform's command in a container of the builder image and writes what it left in `/chaincode/output` to
 * `file`, as a tar. The container carries the caller's labels; who made those removes it.
 *
 * @throws {SelvageError} `CHAINCODE_BUILD_FAILED`, `DOCKER_UNAVAILABLE`, `DISK_FULL`, or the signal's reason
 * @see DockerBuild in hyperledger/fabric v1.1.0 and v2.5, core/chaincode/platforms/util/utils.go
 */
export async function runBuilder(build: DockerBuild, file: string, parts: BuilderParts, { signal }: Cancellable): Promise<void> {
  const { engine, ccid } = parts;
  const refused = (text: string) => (thrown: unknown) => {
    throw explained(thrown, (message) => `${text}: ${message}`, ccid);
  };
  const container = await create(build, parts, signal).catch(refused('Error creating container'));
  await uploadInput(engine, container, { build, settings: parts.settings, signal }).catch(refused('Error uploading input to container'));
  const output = new ContainerOutput(parts.onLine);
  using attached = await engine.attach(container, output.push, { signal }).catch(refused('Error attaching to container'));
  await toItsEnd(signal, (lingering) => engine.start(container, { signal: lingering })).catch(refused('Error executing build'));
  const exitCode = await engine.wait(container, { signal }).catch(refused('Error waiting for container to complete'));
  await orAbort(attached.ended, signal);
  output.end();
  if (exitCode !== 0) throw builderFailed(ccid, build, exitCode, output.lines);
  await download(engine, container, file, signal).catch(refused('Error downloading output'));
}

async function create(
  build: DockerBuild,
  { engine, hostConfig, settings, labels, ccid }: BuilderParts,
  signal: AbortSignal,
): Promise<string> {
  const command = ['/bin/sh', '-c', build.command];
  const spec = { image: build.image, command, env: { ...settings.env, ...build.env }, labels, hostConfig };
  const container = await toItsEnd(signal, (lingering) => engine.create(spec, { signal: lingering }));
  if (container === undefined) throw imageMissing(ccid, build.image, 'it was removed meanwhile');
  return container;
}

interface Input extends Cancellable {
  readonly build: DockerBuild;
  readonly settings: BuilderSettings;
}

/** Fabric's builder images have these folders; any other image with a shell gets them. */
async function uploadInput(engine: DockerEngine, container: string, { build, settings, signal }: Input): Promise<void> {
  const folders = ['chaincode/', 'chaincode/input/', 'chaincode/output/'].map((name): TarEntry => ({ name, folder: true }));
  await engine.upload(container, '/', await buffer(writeTar([...folders, ...settings.files])), { signal });
  await engine.upload(container, '/chaincode/input', build.input, { signal });
}

async function download(engine: DockerEngine, container: string, file: string, signal: AbortSignal): Promise<void> {
  const tar = await engine.download(container, '/chaincode/output/.', { signal });
  try {
    await pipeline(tar, createWriteStream(file), { signal });
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC')
      throw new SelvageError('DISK_FULL', 'no space left to keep the output of the build', { cause: thrown });
    throw thrown;
  }
}
