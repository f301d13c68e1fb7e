import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Logger, silent } from '../../src/common/log.ts';
import { type Metrics, unmeasured } from '../../src/common/metrics.ts';
import { Scope } from '../../src/common/scope.ts';
import { connectClients, type DevClients, joinAll } from '../../src/node/dev/dev-clients.ts';
import { deployChaincode } from '../../src/node/dev/dev-deploy.ts';
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
  /** The same for a package in a file; only with the format `tar.gz`. */
  deployPackage(name: string, packageFile: string): ReturnType<typeof deployChaincode>;
}

/** Which packages a network takes: `ChaincodeDeploymentSpec` with the lifecycle of 1.x, or `.tar.gz` with that of 2.x. */
export type PackageFormat = 'cds' | 'tar.gz';

export interface TestNetworkOptions extends Partial<Omit<DevOptions, 'lifecycle'>> {
  /** `cds` unless told. */
  readonly format?: PackageFormat;
  /** As in a core.yaml, for every peer. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly cacheFolder?: string;
  readonly log?: Logger;
  readonly metrics?: Metrics;
}

export async function testNetwork({
  settings,
  cacheFolder = chaincodeCache,
  log = silent,
  metrics = unmeasured,
  format = 'cds',
  ...options
}: TestNetworkOptions = {}): Promise<TestNetwork> {
  await using scope = new Scope();
  const folder = await mkdtemp(join(tmpdir(), 'selvage-journey-'));
  scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const lifecycle = format === 'cds' ? 1 : 2;
  const wanted: DevOptions = { channel: 'mychannel', orgs: 1, tls: true, portBase: 0, block: 'instant', lifecycle, ...options };
  const network = scope.use(await startDevNetwork(folder, wanted, { log, metrics, cacheFolder, settings, signal: never }));
  const clients = scope.use(await connectClients(network.folders, network.plan));
  await joinAll(clients, network.folders, { signal: never });
  const owned = scope.move();
  return {
    network,
    clients,
    deploy: (name, sample, policy) =>
      deployChaincode(clients, { name, folder: join(repository, 'chaincodes', sample), init: [], policy }, { signal: never }),
    deployFolder: (name, folder) => deployChaincode(clients, { name, folder, init: [] }, { signal: never }),
    deployPackage: (name, packageFile) => deployChaincode(clients, { name, packageFile, init: [] }, { signal: never }),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}
