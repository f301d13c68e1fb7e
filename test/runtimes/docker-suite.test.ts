import { DockerodeEngine } from '../../src/runtimes/docker/dockerode-engine.ts';
import { DOCKER_ENDPOINT, noDocker, nodeImage, removeOurImages } from '../docker.ts';
import { chaincodeSuite, deployedTwice, type SuiteNetwork } from './chaincode-suite.ts';

/** The chaincode's containers share the network of this machine, so that they reach the peer at its loopback address. */
async function inDocker(sample: string): Promise<SuiteNetwork> {
  const engine = new DockerodeEngine({ endpoint: DOCKER_ENDPOINT });
  const settings = {
    vm: { endpoint: DOCKER_ENDPOINT, docker: { hostconfig: { networkmode: 'host' } } },
    chaincode: { node: { runtime: await nodeImage(engine) } },
    selvage: { runtime: 'docker' },
  };
  const network = await deployedTwice(sample, { settings });
  const close = async (): Promise<void> => {
    await network[Symbol.asyncDispose]();
    await removeOurImages(engine);
  };
  return { ...network, [Symbol.asyncDispose]: close };
}

chaincodeSuite('kv-node in Docker', { skip: noDocker, open: () => inDocker('kv-node') });
