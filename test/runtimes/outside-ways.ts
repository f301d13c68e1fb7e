/** Sample chaincodes that somebody else than the peer starts: as services, and by an external builder. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { utf8 } from '../../src/common/bytes.ts';
import { systemClock } from '../../src/common/clock.ts';
import type { Scope } from '../../src/common/scope.ts';
import { CertificateAuthority } from '../../src/msp/material/certificate-authority.ts';
import { compress } from '../../src/packages/archive/pack.ts';
import { writeTar } from '../../src/packages/archive/tar-writer.ts';
import { buildLifecyclePackage, packageIdOf } from '../../src/packages/lifecycle-package.ts';
import { freePort } from '../free-ports.ts';
import { RUN_FIELD, writeBuilder } from './builder-scripts.ts';
import { type BuiltSample, builtSample } from './built-sample.ts';

/**
 * Starts the sample as services that speak mutual TLS, one under each name. The scope owns them.
 * @returns their packages of type `ccaas`: a file for each name
 */
export async function startServices(source: string, names: readonly string[], scope: Scope): Promise<ReadonlyMap<string, string>> {
  const folder = await temporaryFolder(scope);
  const { start } = await builtSample(source, scope);
  const tls = await mutualTls(folder);
  const packages = new Map<string, string>();
  for (const name of names) {
    const address = `127.0.0.1:${await freePort()}`;
    const bytes = await servicePackage(name, { address, dial_timeout: '200s', ...tls.connection });
    scope.use(start(address, { CHAINCODE_SERVER_ADDRESS: address, CHAINCODE_ID: packageIdOf(name, bytes), ...tls.env }));
    const file = join(folder, `${name}.tar.gz`);
    await writeFile(file, bytes);
    packages.set(name, file);
  }
  return packages;
}

/** A builder that claims the packages of the sample's language and runs what was built of it before. @returns settings of the peer */
export async function externalBuilderOf(source: string, scope: Scope): Promise<Readonly<Record<string, unknown>>> {
  const path = await temporaryFolder(scope);
  const built = await builtSample(source, scope);
  await writeBuilder(path, {
    detect: `grep -qi '"type":"${built.language}"' "$2/metadata.json"`,
    build: `test -d "$1/src" && ln -s '${built.folder}' "$3/program"`,
    run: runScript(built),
  });
  return { chaincode: { externalbuilders: [{ name: 'suite', path }] } };
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

/** The scope owns it. */
export async function temporaryFolder(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'selvage-suite-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
