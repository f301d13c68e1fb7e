import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Logger, silent } from '../../src/common/log.ts';
import { unmeasured } from '../../src/common/metrics.ts';
import { Scope } from '../../src/common/scope.ts';
import { connectClients, type DevClients, deployChaincode, joinAll } from '../../src/node/dev/dev-deploy.ts';
import { type DevNetwork, startDevNetwork } from '../../src/node/dev/dev-network.ts';
import type { DevOptions } from '../../src/node/dev/dev-plan.ts';

export const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const never: AbortSignal = new AbortController().signal;

/** Installed dependencies are shared by all tests of one run and with `selvage dev`. */
export const chaincodeCache = join(tmpdir(), 'selvage-test-chaincode');

/** A development network on free ports in a folder of its own, which goes away with it. */
export interface TestNetwork extends AsyncDisposable {
  readonly network: DevNetwork;
  readonly clients: DevClients;
  deploy(name: string, sample: string, policy?: Uint8Array): ReturnType<typeof deployChaincode>;
  /** The same for chaincode in any folder. */
  deployFolder(name: string, folder: string): ReturnType<typeof deployChaincode>;
}

export interface TestNetworkOptions extends Partial<DevOptions> {
  /** As in a core.yaml, for every peer. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly cacheFolder?: string;
  readonly log?: Logger;
}

export async function testNetwork({
  settings,
  cacheFolder = chaincodeCache,
  log = silent,
  ...options
}: TestNetworkOptions = {}): Promise<TestNetwork> {
  await using scope = new Scope();
  const folder = await mkdtemp(join(tmpdir(), 'selvage-journey-'));
  scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const wanted: DevOptions = { channel: 'mychannel', orgs: 1, tls: true, portBase: 0, block: 'instant', ...options };
  const network = scope.use(await startDevNetwork(folder, wanted, { log, metrics: unmeasured, cacheFolder, settings, signal: never }));
  const clients = scope.use(await connectClients(network.folders, network.plan));
  await joinAll(clients, network.folders, { signal: never });
  const owned = scope.move();
  return {
    network,
    clients,
    deploy: (name, sample, policy) =>
      deployChaincode(clients, { name, folder: join(repository, 'chaincodes', sample), init: [], policy }, { signal: never }),
    deployFolder: (name, folder) => deployChaincode(clients, { name, folder, init: [] }, { signal: never }),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}
