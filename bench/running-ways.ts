import { silent } from '../src/common/log.ts';
import { parseDockerSettings } from '../src/node/config/peer-config.ts';
import { buildImages, listImages } from '../src/node/images.ts';
import { HttpEngine } from '../src/runtimes/docker/http-engine.ts';
import { LABELS, thisProcess } from '../src/runtimes/docker/traces.ts';
import { externalBuilderOf, startServices } from '../test/runtimes/outside-ways.ts';
import { NAMES, type RunningWay } from './first-answer.ts';
import type { Runtime } from './options.ts';

export interface RunningWays {
  readonly ways: readonly RunningWay[];
  /** What was asked for and cannot be had here, and why. */
  readonly missing: readonly string[];
}

/** Images of this machine's own toolchains, made once and kept. */
const DOCKER = {
  vm: { endpoint: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock', docker: { hostconfig: { networkmode: 'host' } } },
  chaincode: {
    builder: 'selvage-bench/ccenv',
    golang: { runtime: 'selvage-bench/baseos' },
    node: { runtime: 'selvage-bench/nodeenv' },
    java: { runtime: 'selvage-bench/javaenv' },
  },
  selvage: { runtime: 'docker' },
};

const AS_PROCESS: RunningWay = {
  name: 'process',
  prepare: async ({ folder }) => ({ settings: {}, source: () => ({ folder }) }),
};

/** The images of chaincode go afterwards, whose networks are gone then. */
const IN_DOCKER: RunningWay = {
  name: 'docker',
  prepare: async ({ folder }, scope) => {
    scope.defer(removeChaincodeImages);
    return { settings: DOCKER, source: () => ({ folder }) };
  },
};

async function removeChaincodeImages(): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  const engine = new HttpEngine({ endpoint: DOCKER.vm.endpoint });
  const made = await engine.images({ labels: [`${LABELS.process}=${thisProcess()}`, LABELS.content] }, { signal });
  for (const tag of made.flatMap(({ tags }) => tags)) await engine.removeImage(tag, { signal });
}

/** The service runs already when its package is installed: what is measured is the peer's part. */
const SERVICE: RunningWay = {
  name: 'service',
  prepare: async ({ original }, scope) => {
    const packages = await startServices(original, NAMES, scope);
    return { settings: {}, source: (name) => ({ packageFile: packages.get(name) ?? '' }) };
  },
};

/** A builder that has nothing to do but to start what was built before. */
const EXTERNAL_BUILDER: RunningWay = {
  name: 'external builder',
  prepare: async ({ original, folder }, scope) => ({ settings: await externalBuilderOf(original, scope), source: () => ({ folder }) }),
};

/** The runtimes that this machine has, of those that are wanted. */
export async function runningWays(wanted: readonly Runtime[]): Promise<RunningWays> {
  const ways: RunningWay[] = [];
  const missing: string[] = [];
  if (wanted.includes('process')) ways.push(AS_PROCESS);
  if (wanted.includes('docker')) {
    const failure = await makeImages();
    if (failure === undefined) ways.push(IN_DOCKER);
    else missing.push(failure);
  }
  if (wanted.includes('service')) ways.push(SERVICE);
  if (wanted.includes('external-builder')) ways.push(EXTERNAL_BUILDER);
  return { ways, missing };
}

/** @returns why there are none */
async function makeImages(): Promise<string | undefined> {
  const signal = AbortSignal.timeout(300_000);
  try {
    const config = parseDockerSettings({ raw: DOCKER, folder: '.' });
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
