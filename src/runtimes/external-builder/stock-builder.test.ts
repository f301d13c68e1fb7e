/** Fabric's own `ccaas_builder`, unmodified, where it is at hand: release images have it at this place. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../test/free-ports.ts';
import { sampleOrSkip } from '../../../test/runtimes/installed-sample.ts';
import { StartedProgram } from '../../../test/runtimes/started-program.ts';
import { testPeer } from '../../../test/runtimes/test-peer.ts';
import { utf8 } from '../../common/bytes.ts';
import { Scope } from '../../common/scope.ts';
import type { Builder } from './builder.ts';
import { CCAAS_CONFIG_VARIABLE, CcaasBuilder } from './ccaas-builder.ts';
import { ExternalBuilderRuntime } from './external-builder-runtime.ts';
import { ProgramBuilder } from './program-builder.ts';

const path = process.env['SELVAGE_CCAAS_BUILDER'] ?? '/opt/hyperledger/ccaas_builder';
const sample = existsSync(join(path, 'bin', 'detect')) ? await sampleOrSkip('kv-node') : undefined;
const never = new AbortController().signal;
const ID = 'basic_1.0:0123abcd';

let scope: Scope;
let folder: string;
beforeEach(async () => {
  scope = new Scope();
  folder = await mkdtemp(join(tmpdir(), 'selvage-stock-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
});
afterEach(() => scope[Symbol.asyncDispose]());

const config = (values: object): Record<string, string> => ({ [CCAAS_CONFIG_VARIABLE]: JSON.stringify(values) });
const stock = (values: object): Builder =>
  new ProgramBuilder(
    { name: 'ccaas_builder', path, propagateEnvironment: [CCAAS_CONFIG_VARIABLE] },
    { PATH: process.env['PATH'], ...config(values) },
  );

const runtimeOf = (builder: Builder, name = 'stock'): ExternalBuilderRuntime =>
  scope.use(new ExternalBuilderRuntime({ directory: join(folder, name), builders: [builder], fallback: undefined, mspId: 'Org1MSP' }));

async function packageOf(connection: object) {
  const archive = pack();
  archive.entry({ name: 'connection.json' }, JSON.stringify(connection));
  archive.entry({ name: 'META-INF/statedb/couchdb/indexes/i.json' }, '{}');
  archive.finalize();
  const codePackage = gzipSync(await buffer(Readable.from(archive)));
  return { platform: 'ccaas', codePackage, path: '', metadata: utf8('{"type":"ccaas","label":"basic_1.0"}') };
}

/** What a build left, as its file names and its connection. */
async function released(name: string): Promise<unknown> {
  const release = join(folder, name, 'builds', 'basic_1.0-0123abcd', 'release');
  const names = (await readdir(release, { recursive: true })).sort();
  const connection: unknown = JSON.parse(await readFile(join(release, 'chaincode', 'server', 'connection.json'), 'utf8'));
  return { names, connection };
}

describe.skipIf(sample === undefined)(`Fabric's ccaas_builder (skipped without ${path}, fixtures or npm)`, () => {
  it('has its services dialled', async () => {
    const port = await freePort();
    const env = { CHAINCODE_SERVER_ADDRESS: `127.0.0.1:${port}`, CHAINCODE_ID: ID };
    scope.use(new StartedProgram(process.execPath, ['index.js'], { cwd: sample ?? '', env }));
    const code = await packageOf({ address: '127.0.0.1:{{.port}}', dial_timeout: '200s', tls_required: false });
    const peer = scope.use(await testPeer({ runtime: runtimeOf(stock({ port })), code }));
    expect((await peer.call(ID, 'put', 'a', '1')).text).toBe('ok');
    expect((await peer.call(ID, 'get', 'a')).text).toBe('1');
  });

  it('makes of a package what the built-in one makes of it', async () => {
    const values = { host: 'cc.example.com', pem: 'PEM' };
    const connection = {
      address: '{{.host}}:1',
      dial_timeout: '10s',
      tls_required: true,
      client_auth_required: false,
      root_cert: '{{.pem}}',
    };
    const spec = { ccid: ID, name: 'basic', version: '1.0', ...(await packageOf(connection)) };
    await runtimeOf(stock(values)).build(spec, { signal: never });
    const byProgram = await released('stock');
    expect(byProgram).toMatchObject({ connection: { address: 'cc.example.com:1', tls_required: true, root_cert: 'PEM' } });
    const plain = { ...connection, tls_required: false };
    const plainSpec = { ...spec, ...(await packageOf(plain)) };
    await runtimeOf(stock(values), 'stock-plain').build(plainSpec, { signal: never });
    await runtimeOf(new CcaasBuilder(JSON.stringify(values)), 'own-plain').build(plainSpec, { signal: never });
    expect(withoutEmpty(await released('own-plain'))).toEqual(withoutEmpty(await released('stock-plain')));
  });

  it('says in its own words why it refuses one', async () => {
    const spec = { ccid: ID, name: 'basic', version: '1.0', ...(await packageOf({ address: '{{.peername}}:1' })) };
    await expect(runtimeOf(stock({})).build(spec, { signal: never })).rejects.toMatchObject({
      code: 'CHAINCODE_BUILD_FAILED',
      message: expect.stringMatching(/external builder 'ccaas_builder' failed: exit status 1.*no entry for key "peername"/s),
    });
  });
});

/** Go writes fields that are empty, too. */
const withoutEmpty = (value: unknown): unknown => JSON.parse(JSON.stringify(value), (_, each: unknown) => (each === '' ? undefined : each));
