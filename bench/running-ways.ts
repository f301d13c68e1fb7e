import { silent } from '../src/common/log.ts';
import { parseDockerSettings } from '../src/node/config/peer-config.ts';
import { buildImages, listImages } from '../src/node/images.ts';
import type { RunningWay } from './first-answer.ts';
import type { Runtime } from './options.ts';

export interface RunningWays {
  readonly ways: readonly RunningWay[];
  /** What was asked for and cannot be had here, and why. */
  readonly missing: readonly string[];
}

/** Images of this machine's own toolchains, made once and kept. */
const DOCKER: RunningWay = {
  name: 'docker',
  settings: {
    vm: { endpoint: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock', docker: { hostconfig: { networkmode: 'host' } } },
    chaincode: {
      builder: 'selvage-bench/ccenv',
      golang: { runtime: 'selvage-bench/baseos' },
      node: { runtime: 'selvage-bench/nodeenv' },
      java: { runtime: 'selvage-bench/javaenv' },
    },
    selvage: { runtime: 'docker' },
  },
};

/** The runtimes that this machine has, of those that are wanted. */
export async function runningWays(wanted: readonly Runtime[]): Promise<RunningWays> {
  const ways: RunningWay[] = wanted.includes('process') ? [{ name: 'process', settings: {} }] : [];
  if (!wanted.includes('docker')) return { ways, missing: [] };
  const failure = await makeImages();
  return failure === undefined ? { ways: [...ways, DOCKER], missing: [] } : { ways, missing: [failure] };
}

/** @returns why there are none */
async function makeImages(): Promise<string | undefined> {
  const signal = AbortSignal.timeout(300_000);
  try {
    const config = parseDockerSettings({ raw: DOCKER.settings, folder: '.' });
    await listImages(config, { signal });
    await buildImages(config, {
      languages: [],
      force: false,
      env: process.env,
      log: silent,
      signal,
      onBegin: () => undefined,
      onImage: () => undefined,
    });
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}
