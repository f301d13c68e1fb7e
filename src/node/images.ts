import { delimiter, join } from 'node:path';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { LifecyclePackageStore } from '../packages/lifecycle-store.ts';
import { PackageStore } from '../packages/package-store.ts';
import { imageName } from '../packages/platforms/image-names.ts';
import { buildBaseImage } from '../runtimes/docker/base-images.ts';
import type { EngineVersion } from '../runtimes/docker/engine.ts';
import type { ImagePurpose } from '../runtimes/docker/image-contents.ts';
import { exists, findProgram } from '../runtimes/docker/local-toolchain.ts';
import { type PrunedImages, pruneImages } from '../runtimes/docker/prune-images.ts';
import { LABELS } from '../runtimes/docker/traces.ts';
import type { PeerConfig } from './config/peer-config.ts';
import { dockerEngine } from './docker.ts';

export type DockerSettings = Pick<PeerConfig, 'id' | 'networkId' | 'fileSystemPath' | 'images' | 'docker'>;

/** An image that the configuration names. */
export interface ConfiguredImage {
  readonly language: 'node' | 'golang' | 'java';
  /** Key of core.yaml. */
  readonly setting: string;
  readonly image: string;
  /** What `selvage images build` makes it as. */
  readonly purpose: ImagePurpose;
}

export interface ImageState extends ConfiguredImage {
  readonly present: boolean;
  /** Bytes. */
  readonly size?: number;
  readonly madeHere?: boolean;
  /** What to do when it is missing. */
  readonly howToGet?: string;
}

export function configuredImages({ images }: Pick<DockerSettings, 'images'>): readonly ConfiguredImage[] {
  const ownJava = /^from\s+(\S+)/im.exec(images.javaDockerfile)?.[1];
  const java = ownJava === undefined ? 'chaincode.java.runtime' : 'chaincode.java.Dockerfile';
  return [
    { language: 'node', setting: 'chaincode.node.runtime', image: imageName(images.nodeRuntime), purpose: 'node' },
    { language: 'golang', setting: 'chaincode.builder', image: imageName(images.builder), purpose: 'golang-builder' },
    { language: 'golang', setting: 'chaincode.golang.runtime', image: imageName(images.golangRuntime), purpose: 'golang-runtime' },
    { language: 'java', setting: java, image: imageName(ownJava ?? images.javaRuntime), purpose: 'java' },
  ];
}

/** @throws {SelvageError} `DOCKER_UNAVAILABLE` */
export async function listImages(
  settings: DockerSettings,
  options: Cancellable,
): Promise<{ readonly engine: EngineVersion; readonly images: readonly ImageState[] }> {
  const engine = await dockerEngine(settings.docker);
  const version = await engine.version(options);
  const states = configuredImages(settings).map(async (configured): Promise<ImageState> => {
    const { image, language } = configured;
    const found = await engine.image(image, options);
    if (found !== undefined) return { ...configured, present: true, size: found.size, madeHere: found.labels[LABELS.image] !== undefined };
    return { ...configured, present: false, howToGet: `selvage images build ${language}, or docker pull ${image}` };
  });
  return { engine: version, images: await Promise.all(states) };
}

export interface BuildImagesOptions extends Cancellable {
  /** None: every language that this machine has. */
  readonly languages: readonly string[];
  /** A local image to start from. */
  readonly from?: string | undefined;
  /** Make also what is there already. */
  readonly force: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** An image is being made, which takes a while. */
  readonly onBegin: (image: ConfiguredImage) => void;
  readonly onImage: (image: ConfiguredImage, outcome: 'present' | readonly string[]) => void;
}

/**
 * Makes the configured images that are missing.
 * @throws {SelvageError} `SETTING_INVALID` for a language that there is not; see buildBaseImage for the others
 */
export async function buildImages(settings: DockerSettings, options: BuildImagesOptions): Promise<void> {
  const { from, force, env, log, signal, onBegin, onImage } = options;
  const path = env['PATH'] ?? ['/usr/local/bin', '/usr/bin', '/bin'].join(delimiter);
  const configured = configuredImages(settings);
  const languages = options.languages.length > 0 ? options.languages : await languagesHere(path, from);
  for (const language of languages) if (!configured.some((each) => each.language === language)) throw unknown(language);
  const engine = await dockerEngine(settings.docker);
  const peer = { networkId: settings.networkId, peerId: settings.id };
  const parts = { engine, peer, nodePath: process.execPath, path, javaHome: env['JAVA_HOME'], log };
  for (const each of configured.filter(({ language }) => languages.includes(language))) {
    const { image, purpose } = each;
    if (!force && (await engine.image(image, { signal })) !== undefined) {
      onImage(each, 'present');
      continue;
    }
    onBegin(each);
    onImage(each, await buildBaseImage({ purpose, image, from, signal }, parts));
  }
}

/** A local image is one for one language: Node's, unless it is said. */
async function languagesHere(path: string, from: string | undefined): Promise<readonly string[]> {
  if (from !== undefined) return ['node'];
  const [go, javac, maven, gradle] = await Promise.all(['go', 'javac', 'mvn', 'gradle'].map((name) => findProgram(name, path)));
  const java = javac !== undefined && (maven ?? gradle) !== undefined;
  return ['node', ...(go === undefined ? [] : ['golang']), ...(java ? ['java'] : [])];
}

const unknown = (language: string): SelvageError =>
  new SelvageError('SETTING_INVALID', `no images are made for ${JSON.stringify(language)}`, {
    advice: 'Languages are node, golang and java.',
  });

/**
 * Removes images of chaincode that is not installed on this peer any more; with `all`, of all of its chaincode.
 * @throws {SelvageError} `SETTING_INVALID` when the peer's packages are not where the configuration says; see pruneImages
 */
export async function pruneChaincodeImages(
  { id, networkId, fileSystemPath, docker }: DockerSettings,
  { all, signal }: Cancellable & { readonly all: boolean },
): Promise<PrunedImages> {
  const peer = { networkId, peerId: id };
  const installed = all ? [] : await installedChaincode(fileSystemPath);
  return pruneImages({ engine: await dockerEngine(docker), peer, installed, signal });
}

async function installedChaincode(fileSystemPath: string): Promise<readonly string[]> {
  if (!(await exists(fileSystemPath))) {
    throw new SelvageError('SETTING_INVALID', `there is no ${fileSystemPath}, where the peer keeps its packages`, {
      advice:
        'Set peer.fileSystemPath (CORE_PEER_FILESYSTEMPATH) as for the peer, or use --all, which spares no chaincode image of this peer.',
    });
  }
  const legacy = await new PackageStore({ directory: join(fileSystemPath, 'chaincodes') }).list();
  const packageIds = await new LifecyclePackageStore({ directory: join(fileSystemPath, 'lifecycle', 'chaincodes') }).list();
  return [...legacy.map(({ name, version }) => `${name}:${version}`), ...packageIds];
}
