import { afterAll } from 'vitest';
import { findTool } from '../../src/packages/platforms/tools.ts';
import { HttpEngine } from '../../src/runtimes/docker/http-engine.ts';
import { DOCKER_ENDPOINT, noDocker, removeOurImages, testImage } from '../docker.ts';
import { chaincodeSuite, deployedTwice, type SuiteNetwork } from './chaincode-suite.ts';

const engine = new HttpEngine({ endpoint: DOCKER_ENDPOINT });

const IMAGES = {
  node: async () => ({ node: { runtime: await testImage(engine, 'node') } }),
  golang: async () => ({
    builder: await testImage(engine, 'golang-builder'),
    golang: { runtime: await testImage(engine, 'golang-runtime') },
  }),
  java: async () => ({ java: { runtime: await testImage(engine, 'java') } }),
} as const;

/** The chaincode's containers share the network of this machine, so that they reach the peer at its loopback address. */
async function inDocker(sample: string, language: keyof typeof IMAGES, format: 'cds' | 'tar.gz' = 'cds'): Promise<SuiteNetwork> {
  const settings = {
    vm: { endpoint: DOCKER_ENDPOINT, docker: { hostconfig: { networkmode: 'host' } } },
    chaincode: { ...(await IMAGES[language]()), startuptimeout: '600s' },
    selvage: { runtime: 'docker' },
  };
  return deployedTwice(sample, { settings, format });
}

const without = async (...tools: readonly string[]): Promise<string | undefined> => {
  for (const tool of tools) if ((await findTool(tool, process.env)) === undefined) return `no ${tool} here`;
  return undefined;
};

const noGo = noDocker ?? (await without('go'));
const noJava = noDocker ?? (await without('javac', 'mvn'));
const openMs = 900_000;

if (noDocker === undefined) afterAll(() => removeOurImages(engine));

/** Of the second format, whose transactions take the same way. */
const many = 100;

// The same code in either format has the same layers: what the first suite of a sample builds, the second takes.
chaincodeSuite('kv-node in Docker', { skip: noDocker, open: () => inDocker('kv-node', 'node') });
chaincodeSuite('kv-node from a .tar.gz package in Docker', { skip: noDocker, many, open: () => inDocker('kv-node', 'node', 'tar.gz') });
chaincodeSuite('kv-ts in Docker', { skip: noDocker, open: () => inDocker('kv-ts', 'node') });
chaincodeSuite('kv-ts from a .tar.gz package in Docker', { skip: noDocker, many, open: () => inDocker('kv-ts', 'node', 'tar.gz') });
chaincodeSuite('kv-go in Docker', { skip: noGo, open: () => inDocker('kv-go', 'golang'), openMs });
chaincodeSuite('kv-go from a .tar.gz package in Docker', { skip: noGo, many, open: () => inDocker('kv-go', 'golang', 'tar.gz'), openMs });
chaincodeSuite('kv-java in Docker', { skip: noJava, open: () => inDocker('kv-java', 'java'), openMs });
chaincodeSuite('kv-java from a .tar.gz package in Docker', {
  skip: noJava,
  many,
  open: () => inDocker('kv-java', 'java', 'tar.gz'),
  openMs,
});
