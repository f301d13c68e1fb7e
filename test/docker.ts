import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { silent } from '../src/common/log.ts';
import { buildBaseImage } from '../src/runtimes/docker/base-images.ts';
import { DockerodeEngine } from '../src/runtimes/docker/dockerode-engine.ts';
import { LABELS, thisProcess } from '../src/runtimes/docker/traces.ts';

/** `DOCKER_HOST`, or the socket where engines mostly are. */
export const DOCKER_ENDPOINT = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';

const signal = (): AbortSignal => AbortSignal.timeout(60_000);

/** Why tests with a real engine are skipped; undefined when one answers. */
export const noDocker: string | undefined = await new DockerodeEngine({ endpoint: DOCKER_ENDPOINT }).version({ signal: signal() }).then(
  ({ os }) => (os === 'linux' && process.platform === 'linux' ? undefined : `an engine for ${os}, tests need Linux on both sides`),
  (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
);

/** For the name of a test suite: says why it is skipped. */
export const needsDocker = (name: string): string => (noDocker === undefined ? name : `${name} (skipped: ${noDocker})`);

/** A builder and runtime image of this machine's Node. It stays in the engine, so that it is made once per machine. */
export async function nodeImage(engine: DockerodeEngine): Promise<string> {
  const made = createHash('sha256').update(readFileSync(new URL('../src/runtimes/docker/base-images.ts', import.meta.url)));
  const image = `selvage-test/nodeenv:${process.version}-${made.digest('hex').slice(0, 12)}`;
  if ((await engine.image(image, { signal: signal() })) !== undefined) return image;
  const parts = {
    engine,
    peer: { networkId: 'test', peerId: 'images' },
    nodePath: process.execPath,
    path: process.env['PATH'] ?? '',
    log: silent,
  };
  await buildBaseImage({ purpose: 'node', image, signal: signal() }, parts);
  return image;
}

/** Images of chaincode that this process made. */
export async function removeOurImages(engine: DockerodeEngine): Promise<void> {
  const made = await engine.images({ labels: [`${LABELS.process}=${thisProcess()}`] }, { signal: signal() });
  for (const tag of made.flatMap(({ tags }) => tags)) await engine.removeImage(tag, { signal: signal() });
}

/** The engine's own client, for looking from outside. */
export async function docker(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', ['-H', DOCKER_ENDPOINT, ...args]);
  return stdout.trim();
}
