import type { Readable } from 'node:stream';
import type { Cancellable } from '../../common/cancel.ts';

/** Fields of Docker's HostConfig, in Docker's spelling. */
export type HostConfig = Readonly<Record<string, unknown>>;

export interface EngineVersion {
  readonly version: string;
  readonly apiVersion: string;
  readonly os: string;
  readonly arch: string;
}

export interface ImageFacts {
  readonly id: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Bytes. */
  readonly size: number;
}

export interface ContainerSpec {
  /** Docker makes one up when absent. */
  readonly name?: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly hostConfig: HostConfig;
}

export interface ContainerFacts {
  readonly id: string;
  readonly names: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface ContainerState {
  readonly running: boolean;
  readonly exitCode: number;
  readonly outOfMemory: boolean;
}

/** Finds things by labels, each `key` or `key=value`; all must match. */
export interface LabelFilter {
  readonly labels: readonly string[];
  /** Only images that no name points to. */
  readonly dangling?: boolean;
}

export interface BuildOptions extends Cancellable {
  readonly tag: string;
  /** Look for newer versions of the image that the Dockerfile begins with. */
  readonly pull: boolean;
  /** Every line of the build's output. */
  readonly onLine: (line: string) => void;
}

/** Both output streams of a container. Disposing stops listening. */
export interface Attachment extends Disposable {
  /** Resolves when the container's output is over, or the engine is lost. Never rejects. */
  readonly ended: Promise<void>;
}

/**
 * A Docker Engine, as far as chaincode needs one (API 1.24 and later; Podman's socket speaks it too).
 *
 * Every call rejects with the signal's reason when aborted, and with a SelvageError otherwise: `DOCKER_UNAVAILABLE` when the
 * engine does not answer, `DISK_FULL`, `DOCKER_REFUSED` for everything that it answers with an error (`details.status` then has
 * the HTTP status). What is missing is a value where callers expect it.
 */
export interface DockerEngine {
  /** For messages: where the engine is. */
  readonly endpoint: string;
  version(options: Cancellable): Promise<EngineVersion>;

  /** Undefined when there is no such image. */
  image(name: string, options: Cancellable): Promise<ImageFacts | undefined>;
  images(filter: LabelFilter, options: Cancellable): Promise<readonly ImageFacts[]>;
  pull(name: string, options: Cancellable): Promise<void>;
  /** @param context tar stream with a `Dockerfile` */
  build(context: Readable, options: BuildOptions): Promise<void>;
  /** Makes an image of a tar stream with a root file system. */
  importImage(tar: Readable, name: string, changes: readonly string[], options: Cancellable): Promise<void>;
  /** Makes an image of what a container has become. */
  commit(container: string, name: string, changes: readonly string[], options: Cancellable): Promise<void>;
  /** By force unless told: then an image that a container uses stays, which is refused with status 409. No error when there is none. */
  removeImage(name: string, options: Cancellable & { readonly force?: boolean }): Promise<void>;
  /** What all images take together, bytes; undefined when the engine does not say. */
  imageBytes(options: Cancellable): Promise<number | undefined>;

  /** @returns its id, or undefined when there is no such image */
  create(spec: ContainerSpec, options: Cancellable): Promise<string | undefined>;
  containers(filter: LabelFilter, options: Cancellable): Promise<readonly ContainerFacts[]>;
  /** @returns undefined when there is no such container */
  inspect(container: string, options: Cancellable): Promise<ContainerState | undefined>;
  /** Attach before the start, so that nothing is missed. @param onChunk gets what the container writes from now on, in order */
  attach(container: string, onChunk: (chunk: Buffer, stream: 'stdout' | 'stderr') => void, options: Cancellable): Promise<Attachment>;
  /** Unpacks a tar, which may be compressed, into a folder of the container. */
  upload(container: string, folder: string, tar: Uint8Array, options: Cancellable): Promise<void>;
  /** A tar of what is at `path`. */
  download(container: string, path: string, options: Cancellable): Promise<Readable>;
  start(container: string, options: Cancellable): Promise<void>;
  /** Asks it to end, and kills it after that many seconds. */
  stop(container: string, seconds: number, options: Cancellable): Promise<void>;
  kill(container: string, options: Cancellable): Promise<void>;
  /** By force, with its anonymous volumes. */
  remove(container: string, options: Cancellable): Promise<void>;
  /** Resolves with the exit code when it has ended. */
  wait(container: string, options: Cancellable): Promise<number>;
}
