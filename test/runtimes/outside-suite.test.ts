/** The suite for chaincode that the peer does not start itself: services, external builders, development mode. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { buildLifecyclePackage, packageIdOf } from '../../src/chaincode/packaging/lifecycle-package.ts';
import { compress } from '../../src/chaincode/packaging/pack.ts';
import { writeTar } from '../../src/chaincode/packaging/tar-writer.ts';
import { utf8 } from '../../src/common/bytes.ts';
import { systemClock } from '../../src/common/clock.ts';
import { Scope } from '../../src/common/scope.ts';
import { CertificateAuthority } from '../../src/msp/material/certificate-authority.ts';
import { type PackageFormat, testNetwork } from '../journeys/network.ts';
import { RUN_FIELD, writeBuilder } from './builder-scripts.ts';
import { type BuiltSample, builtSample } from './built-sample.ts';
import { chaincodeSuite, deployedTwice, type SuiteNetwork } from './chaincode-suite.ts';
import { freePort } from './free-port.ts';
import { HeardLog } from './heard-log.ts';
import { without } from './tools.ts';

const NAMES = ['first', 'second'] as const;
const LACKING: Readonly<Record<string, string | undefined>> = { 'kv-go': await without('go'), 'kv-java': await without('java', 'mvn') };

async function temporaryFolder(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'selvage-suite-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** What was started for the network goes after it. */
function suiteNetwork(clients: SuiteNetwork['clients'], scope: Scope): SuiteNetwork {
  const owned = scope.move();
  const [first, second] = NAMES;
  return { clients, first, second, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

/** Two services that speak mutual TLS, installed as packages of type `ccaas`. */
async function asService(sample: string): Promise<SuiteNetwork> {
  await using scope = new Scope();
  const folder = await temporaryFolder(scope);
  const { start } = await builtSample(sample, scope);
  const tls = await mutualTls(folder);
  const packages: string[] = [];
  for (const name of NAMES) {
    const address = `127.0.0.1:${await freePort()}`;
    const bytes = await servicePackage(name, { address, dial_timeout: '60s', ...tls.connection });
    scope.use(start(address, { CHAINCODE_SERVER_ADDRESS: address, CHAINCODE_ID: packageIdOf(name, bytes), ...tls.env }));
    packages.push(join(folder, `${name}.tar.gz`));
    await writeFile(join(folder, `${name}.tar.gz`), bytes);
  }
  const network = scope.use(await testNetwork({ format: 'tar.gz', block: 'instant' }));
  for (const [at, name] of NAMES.entries()) await network.deployPackage(name, packages[at] ?? '');
  return suiteNetwork(network.clients, scope);
}

async function servicePackage(label: string, connection: object): Promise<Uint8Array> {
  const code = await buffer(writeTar([{ name: 'connection.json', content: utf8(JSON.stringify(connection)) }]));
  return await buildLifecyclePackage({ label, type: 'ccaas', path: '', codePackage: await compress(code) });
}

/** The service has a certificate for another name than its address, and asks for one; both sides trust one authority. */
async function mutualTls(folder: string) {
  const authority = await CertificateAuthority.create({ commonName: 'service-ca', organization: 'test' }, systemClock.now());
  const domain = 'service.example.com';
  const service = await authority.tls({ commonName: 'service', hosts: [domain] });
  const peer = await authority.tls({ commonName: 'peer', hosts: [] });
  const root = authority.own.certificate;
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  return {
    env: {
      CHAINCODE_TLS_DISABLED: 'false',
      CHAINCODE_TLS_KEY: await file('key.pem', service.privateKey),
      CHAINCODE_TLS_CERT: await file('cert.pem', service.certificate),
      CHAINCODE_CLIENT_CA_CERT: await file('ca.pem', root),
    },
    connection: {
      tls_required: true,
      root_cert: root,
      domain,
      client_auth_required: true,
      client_cert: peer.certificate,
      client_key: peer.privateKey,
    },
  };
}

/** A builder claims the packages of the sample's language and runs what was built of it before. */
async function byExternalBuilder(sample: string, format: PackageFormat): Promise<SuiteNetwork> {
  await using scope = new Scope();
  const path = await temporaryFolder(scope);
  const built = await builtSample(sample, scope);
  await writeBuilder(path, {
    detect: `grep -qi '"type":"${built.language}"' "$2/metadata.json"`,
    build: `test -d "$1/src" && ln -s '${built.folder}' "$3/program"`,
    run: runScript(built),
  });
  const settings = { chaincode: { externalbuilders: [{ name: 'suite', path }] } };
  const network = scope.use(await deployedTwice(sample, { block: 'instant', format, settings }));
  return suiteNetwork(network.clients, scope);
}

/** Key and certificate go to the chaincode in files of base64, which every shim reads. */
const runScript = ({ command }: BuiltSample): string =>
  [
    RUN_FIELD,
    'for name in client_key client_cert; do field $name | base64 | tr -d "\\n" > "$2/$name.txt"; done; field root_cert > "$2/root_cert.pem"',
    'export CORE_CHAINCODE_ID_NAME="$(field chaincode_id)" CORE_PEER_TLS_ENABLED=true CORE_PEER_TLS_ROOTCERT_FILE="$2/root_cert.pem"',
    'export CORE_TLS_CLIENT_KEY_PATH="$2/client_key.txt" CORE_TLS_CLIENT_CERT_PATH="$2/client_cert.txt"',
    'address="$(field peer_address)"',
    `cd "$1/program" && exec ${command('ADDRESS')
      .map((part) => `"${part.replace('ADDRESS', '$address')}"`)
      .join(' ')}`,
  ].join('\n');

/** The peer starts nothing: both chaincodes are started by hand, and deployed once they have registered. */
async function inDevelopmentMode(sample: string): Promise<SuiteNetwork> {
  await using scope = new Scope();
  const { start } = await builtSample(sample, scope);
  const log = new HeardLog();
  const network = scope.use(await testNetwork({ block: 'instant', settings: { chaincode: { mode: 'dev' } }, log }));
  const address = `127.0.0.1:${network.network.plan.peers[0]?.chaincodePort}`;
  for (const name of NAMES) {
    const program = scope.use(start(address, { CORE_CHAINCODE_ID_NAME: `${name}:1`, CORE_PEER_TLS_ENABLED: 'false' }));
    const ended = program.ended().then((lines) => Promise.reject(new Error(`${name} ended:\n${lines.join('\n')}`)));
    ended.catch(() => undefined);
    await Promise.race([log.line(new RegExp(`^chaincode registered .*ccid=${name}:1`)), ended]);
    await network.deploy(name, sample);
  }
  return suiteNetwork(network.clients, scope);
}

/** Of the same connections as those of processes: fewer are enough here, and take a third of the time. */
const many = 100;

for (const sample of ['kv-node', 'kv-ts', 'kv-go', 'kv-java']) {
  const skip = LACKING[sample];
  const format = sample === 'kv-ts' ? 'cds' : 'tar.gz';
  chaincodeSuite(`${sample} as a service, over mutual TLS`, { skip, open: () => asService(sample) });
  chaincodeSuite(`${sample} by an external builder, from ${format}`, { skip, many, open: () => byExternalBuilder(sample, format) });
  chaincodeSuite(`${sample} in development mode`, { skip, many, open: () => inDevelopmentMode(sample) });
}
