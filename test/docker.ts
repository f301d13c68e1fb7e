import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { silent } from '../src/common/log.ts';
import { buildBaseImage } from '../src/runtimes/docker/base-images.ts';
import { HttpEngine } from '../src/runtimes/docker/http-engine.ts';
import type { ImagePurpose } from '../src/runtimes/docker/image-contents.ts';
import { LABELS, thisProcess } from '../src/runtimes/docker/traces.ts';

/** `DOCKER_HOST`, or the socket where engines mostly are. */
export const DOCKER_ENDPOINT = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';

const signal = (): AbortSignal => AbortSignal.timeout(60_000);

/** Why tests with a real engine are skipped; undefined when one answers. */
export const noDocker: string | undefined = await new HttpEngine({ endpoint: DOCKER_ENDPOINT }).version({ signal: signal() }).then(
  ({ os }) => (os === 'linux' && process.platform === 'linux' ? undefined : `an engine for ${os}, tests need Linux on both sides`),
  (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
);

/** For the name of a test suite: says why it is skipped. */
export const needsDocker = (name: string): string => (noDocker === undefined ? name : `${name} (skipped: ${noDocker})`);

/** What the images of the tests are made by; another image is made when it changes. */
const MAKERS = ['base-images', 'image-contents', 'image-scripts', 'local-toolchain'];

/**
 * An image of this machine's programs, like those of `selvage images build`. It stays in the engine, so that it is made once per
 * machine.
 */
export async function testImage(engine: HttpEngine, purpose: ImagePurpose): Promise<string> {
  const made = createHash('sha256').update(process.version);
  for (const name of MAKERS) made.update(readFileSync(new URL(`../src/runtimes/docker/${name}.ts`, import.meta.url)));
  const image = `selvage-test/${purpose}:${made.digest('hex').slice(0, 12)}`;
  const limit = AbortSignal.timeout(900_000);
  if ((await engine.image(image, { signal: limit })) !== undefined) return image;
  const { env } = process;
  const programs = { nodePath: process.execPath, path: env['PATH'] ?? '', javaHome: env['JAVA_HOME'] };
  await buildBaseImage(
    { purpose, image, signal: limit },
    { engine, peer: { networkId: 'test', peerId: 'images' }, log: silent, ...programs },
  );
  return image;
}

export const nodeImage = (engine: HttpEngine): Promise<string> => testImage(engine, 'node');

/** Images of chaincode that this process made. */
export async function removeOurImages(engine: HttpEngine): Promise<void> {
  const made = await engine.images({ labels: [`${LABELS.process}=${thisProcess()}`] }, { signal: signal() });
  for (const tag of made.flatMap(({ tags }) => tags)) await engine.removeImage(tag, { signal: signal() });
}

/** The engine's own client, for looking from outside. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', ['-H', DOCKER_ENDPOINT, ...args]);
  return stdout.trim();
}
