import { delimiter } from 'node:path';
import { imageName } from '../chaincode/platforms/image-names.ts';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { buildBaseImage, type ImagePurpose } from '../runtimes/docker/base-images.ts';
import type { EngineVersion } from '../runtimes/docker/engine.ts';
import { findProgram } from '../runtimes/docker/local-toolchain.ts';
import { LABELS } from '../runtimes/docker/traces.ts';
import type { PeerConfig } from './config/peer-config.ts';
import { dockerEngine } from './docker.ts';

export type DockerSettings = Pick<PeerConfig, 'id' | 'networkId' | 'images' | 'docker'>;

/** An image that the configuration names. */
export interface ConfiguredImage {
  readonly language: 'node' | 'golang' | 'java';
  /** Key of core.yaml. */
  readonly setting: string;
  readonly image: string;
  /** What `selvage images build` makes it as; absent when it cannot. */
  readonly purpose: ImagePurpose | undefined;
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
  return [
    { language: 'node', setting: 'chaincode.node.runtime', image: imageName(images.nodeRuntime), purpose: 'node' },
    { language: 'golang', setting: 'chaincode.builder', image: imageName(images.builder), purpose: 'golang-builder' },
    { language: 'golang', setting: 'chaincode.golang.runtime', image: imageName(images.golangRuntime), purpose: 'golang-runtime' },
    { language: 'java', setting: 'chaincode.java.runtime', image: imageName(images.javaRuntime), purpose: undefined },
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
    const { image, language, purpose } = configured;
    const found = await engine.image(image, options);
    if (found !== undefined) return { ...configured, present: true, size: found.size, madeHere: found.labels[LABELS.image] !== undefined };
    const pull = `docker pull ${image}`;
    return { ...configured, present: false, howToGet: purpose === undefined ? pull : `selvage images build ${language}, or ${pull}` };
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
  readonly onImage: (image: ConfiguredImage, outcome: 'present' | readonly string[]) => void;
}

/**
 * Makes the configured images that are missing.
 * @throws {SelvageError} `SETTING_INVALID` for a language that it makes no images for; see buildBaseImage for the others
 */
export async function buildImages(settings: DockerSettings, options: BuildImagesOptions): Promise<void> {
  const { from, force, env, log, signal, onImage } = options;
  const path = env['PATH'] ?? ['/usr/local/bin', '/usr/bin', '/bin'].join(delimiter);
  const languages = options.languages.length > 0 ? options.languages : await languagesHere(path, from);
  const engine = await dockerEngine(settings.docker);
  const parts = { engine, peer: { networkId: settings.networkId, peerId: settings.id }, nodePath: process.execPath, path, log };
  for (const language of languages) {
    const wanted = configuredImages(settings).filter((each) => each.language === language);
    if (!wanted.some(({ purpose }) => purpose !== undefined)) throw cannot(language);
    for (const each of wanted) {
      const { image, purpose } = each;
      if (purpose === undefined) continue;
      if (!force && (await engine.image(image, { signal })) !== undefined) onImage(each, 'present');
      else onImage(each, await buildBaseImage({ purpose, image, from, signal }, parts));
    }
  }
}

async function languagesHere(path: string, from: string | undefined): Promise<readonly string[]> {
  if (from !== undefined) return ['node'];
  return (await findProgram('go', path)) === undefined ? ['node'] : ['node', 'golang'];
}

const cannot = (language: string): SelvageError =>
  new SelvageError('SETTING_INVALID', `no images are made here for ${JSON.stringify(language)}, only for node and golang`, {
    advice: 'For Java load or pull Fabric’s image (hyperledger/fabric-javaenv), or run the chaincode as a process or a service.',
  });
