/** The suite for chaincode that the peer does not start itself: services, external builders, development mode. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Scope } from '../../src/common/scope.ts';
import { buildLifecyclePackage, packageIdOf } from '../../src/packages/lifecycle-package.ts';
import { packSources } from '../../src/packages/platforms/platforms.ts';
import { type PackageFormat, repository, type TestNetwork, testNetwork } from '../journeys/network.ts';
import { builtSample } from './built-sample.ts';
import { chaincodeSuite, deployedTwice, type SuiteNetwork } from './chaincode-suite.ts';
import { HeardLog } from './heard-log.ts';
import { externalBuilderOf, startServices, temporaryFolder } from './outside-ways.ts';
import { without } from './tools.ts';

const NAMES = ['first', 'second'] as const;
const folderOf = (sample: string): string => join(repository, 'chaincodes', sample);
const LACKING: Readonly<Record<string, string | undefined>> = { 'kv-go': await without('go'), 'kv-java': await without('java', 'mvn') };

/** What was started for the network goes after it. */
function suiteNetwork(clients: SuiteNetwork['clients'], scope: Scope): SuiteNetwork {
  const owned = scope.move();
  const [first, second] = NAMES;
  return { clients, first, second, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

/** Installed as packages of type `ccaas`. */
async function asService(sample: string): Promise<SuiteNetwork> {
  await using scope = new Scope();
  const packages = await startServices(folderOf(sample), NAMES, scope);
  const network = scope.use(await testNetwork({ format: 'tar.gz' }));
  for (const [name, file] of packages) await network.deployPackage(name, file);
  return suiteNetwork(network.clients, scope);
}

async function byExternalBuilder(sample: string, format: PackageFormat): Promise<SuiteNetwork> {
  await using scope = new Scope();
  const settings = await externalBuilderOf(folderOf(sample), scope);
  const network = scope.use(await deployedTwice(sample, { format, settings }));
  return suiteNetwork(network.clients, scope);
}

interface ByHand {
  /** What the chaincode has to register as. */
  readonly ccid: string;
  readonly deploy: () => Promise<unknown>;
}

/** The peer starts nothing: both chaincodes are started by hand, and deployed once they have registered. */
async function inDevelopmentMode(sample: string, format: PackageFormat): Promise<SuiteNetwork> {
  await using scope = new Scope();
  const { start } = await builtSample(folderOf(sample), scope);
  const log = new HeardLog();
  const network = scope.use(await testNetwork({ format, settings: { chaincode: { mode: 'dev' } }, log }));
  const address = `127.0.0.1:${network.network.plan.peers[0]?.chaincodePort}`;
  for (const name of NAMES) {
    const { ccid, deploy } = format === 'cds' ? named(name, sample, network) : await packaged(name, sample, network, scope);
    const program = scope.use(start(address, { CORE_CHAINCODE_ID_NAME: ccid, CORE_PEER_TLS_ENABLED: 'false' }));
    const ended = program.ended().then((lines) => Promise.reject(new Error(`${name} ended:\n${lines.join('\n')}`)));
    ended.catch(() => undefined);
    await Promise.race([log.line(new RegExp(`^chaincode registered .*ccid=${ccid}`)), ended]);
    await deploy();
  }
  return suiteNetwork(network.clients, scope);
}

const named = (name: string, sample: string, network: TestNetwork): ByHand => ({
  ccid: `${name}:1`,
  deploy: () => network.deploy(name, sample),
});

/** The package that its developer would make, whose id is known as soon as it is made. */
async function packaged(name: string, sample: string, network: TestNetwork, scope: Scope): Promise<ByHand> {
  const { type, path, codePackage } = await packSources(folderOf(sample));
  const bytes = await buildLifecyclePackage({ label: name, type: type.toLowerCase(), path, codePackage });
  const file = join(await temporaryFolder(scope), `${name}.tar.gz`);
  await writeFile(file, bytes);
  return { ccid: packageIdOf(name, bytes), deploy: () => network.deployPackage(name, file) };
}

/** Of the same connections as those of processes: fewer are enough here, and take a third of the time. */
const many = 100;

for (const sample of ['kv-node', 'kv-ts', 'kv-go', 'kv-java']) {
  const skip = LACKING[sample];
  chaincodeSuite(`${sample} as a service, over mutual TLS`, { skip, open: () => asService(sample) });
  for (const format of ['cds', 'tar.gz'] as const) {
    chaincodeSuite(`${sample} by an external builder, from ${format}`, { skip, many, open: () => byExternalBuilder(sample, format) });
    chaincodeSuite(`${sample} in development mode, from ${format}`, { skip, many, open: () => inDevelopmentMode(sample, format) });
  }
}
