import { findTool } from '../../src/chaincode/platforms/tools.ts';
import { DockerodeEngine } from '../../src/runtimes/docker/dockerode-engine.ts';
import { DOCKER_ENDPOINT, noDocker, removeOurImages, testImage } from '../docker.ts';
import { chaincodeSuite, deployedTwice, type SuiteNetwork } from './chaincode-suite.ts';

const engine = new DockerodeEngine({ endpoint: DOCKER_ENDPOINT });

const IMAGES = {
  node: async () => ({ node: { runtime: await testImage(engine, 'node') } }),
  golang: async () => ({
    builder: await testImage(engine, 'golang-builder'),
    golang: { runtime: await testImage(engine, 'golang-runtime') },
  }),
  java: async () => ({ java: { runtime: await testImage(engine, 'java') } }),
} as const;

/** The chaincode's containers share the network of this machine, so that they reach the peer at its loopback address. */
async function inDocker(sample: string, language: keyof typeof IMAGES): Promise<SuiteNetwork> {
  const settings = {
    vm: { endpoint: DOCKER_ENDPOINT, docker: { hostconfig: { networkmode: 'host' } } },
    chaincode: { ...(await IMAGES[language]()), startuptimeout: '600s' },
    selvage: { runtime: 'docker' },
  };
  const network = await deployedTwice(sample, { settings });
  const close = async (): Promise<void> => {
    await network[Symbol.asyncDispose]();
    await removeOurImages(engine);
  };
  return { ...network, [Symbol.asyncDispose]: close };
}

const without = async (...tools: readonly string[]): Promise<string | undefined> => {
  for (const tool of tools) if ((await findTool(tool, process.env)) === undefined) return `no ${tool} here`;
  return undefined;
};

chaincodeSuite('kv-node in Docker', { skip: noDocker, open: () => inDocker('kv-node', 'node') });
chaincodeSuite('kv-ts in Docker', { skip: noDocker, open: () => inDocker('kv-ts', 'node') });
chaincodeSuite('kv-go in Docker', { skip: noDocker ?? (await without('go')), open: () => inDocker('kv-go', 'golang'), openMs: 600_000 });
chaincodeSuite('kv-java in Docker', {
  skip: noDocker ?? (await without('javac', 'mvn')),
  open: () => inDocker('kv-java', 'java'),
  openMs: 600_000,
});
