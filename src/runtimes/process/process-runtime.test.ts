import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRegistry } from '../../../test/runtimes/npm-registry.ts';
import { type ChaincodeFiles, type Listener, type RuntimeFixture, runtimeContract } from '../../chaincode/ports/runtime.contract.ts';
import { type Logger, silent } from '../../common/log.ts';
import { packFolder } from '../../packages/archive/pack.ts';
import type { LaunchSpec } from '../../packages/launch-spec.ts';
import { NodePlatform } from '../../packages/platforms/node/node-platform.ts';
import { parseRegistry } from '../../packages/platforms/node/npm-registry.ts';
import { ProcessRuntime } from './process-runtime.ts';

const never = new AbortController().signal;

interface Options {
  readonly registry?: string;
  readonly host?: Readonly<Record<string, string>>;
  readonly log?: Logger;
  readonly logOutput?: boolean;
}

interface ProcessFixture extends RuntimeFixture {
  readonly directory: string;
  /** A launch of a package with exactly these files. */
  packed(files: Readonly<Record<string, string>>, peerAddress?: string): Promise<LaunchSpec>;
}

const PLATFORM = (registry?: string) => new NodePlatform({ registry: parseRegistry(registry) });

async function open({ registry, host = {}, log = silent, logOutput = false }: Options = {}): Promise<ProcessFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'selvage-runtime-'));
  const runtimes: ProcessRuntime[] = [];
  const environment = { PATH: process.env['PATH'], HOME: join(directory, 'home'), npm_config_cache: join(directory, 'npm-cache'), ...host };
  const make = (): ProcessRuntime => {
    const runtime = new ProcessRuntime({
      directory: join(directory, 'runtime'),
      platforms: [PLATFORM(registry)],
      host: environment,
      mspId: 'Org1MSP',
      graceMs: 100,
      sandbox: 'off', // what these tests see of a chaincode, above all its process id, is another inside one
      log,
      logOutput,
    });
    runtimes.push(runtime);
    return runtime;
  };
  const packed: ProcessFixture['packed'] = async (files, peerAddress = '127.0.0.1:1') => {
    const folder = await mkdtemp(join(directory, 'sources-'));
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    const codePackage = await PLATFORM().pack(folder);
    return { ccid: 'cc:1.0', name: 'cc', version: '1.0', platform: 'node', codePackage, path: '', peerAddress, env: {} };
  };
  return {
    runtime: make(),
    restarted: make,
    directory,
    packed,
    chaincode: (files, listener) => packed(filesOf(files, listener), listener.address),
    leftovers: async () =>
      (await Promise.all(['instances', 'unfinished'].map((name) => readdir(join(directory, 'runtime', name)).catch(() => [])))).flat(),
    [Symbol.asyncDispose]: async () => {
      for (const runtime of runtimes) await runtime[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** `say` writes a line to the test's listener; the connection does not keep the process alive. */
function filesOf({ script, install }: ChaincodeFiles, { address }: Listener): Record<string, string> {
  const [host, port] = address.split(':');
  const say = `const say = (text) => { const s = require('net').connect(${port}, '${host}', () => s.write(text + '\\n', () => s.unref())); s.on('error', () => {}); };\n`;
  const scripts = { start: 'node index.js', ...(install !== undefined && { install: 'node install.js' }) };
  return {
    'package.json': JSON.stringify({ name: 'cc', version: '1.0.0', scripts }),
    'index.js': say + script,
    ...(install !== undefined && { 'install.js': say + install }),
  };
}

runtimeContract('process', open);

it('hands on what the build and the chaincode print', async () => {
  await using fixture = await open();
  const scripts = { start: 'node index.js', install: 'node -e "console.log(\'compiled\')"' };
  const files = { 'package.json': JSON.stringify({ name: 'cc', version: '1.0.0', scripts }), 'index.js': "console.log('running')" };
  const kept: string[] = [];
  const output = ({ stream, text }: { readonly stream: string; readonly text: string }) => void kept.push(`${stream} ${text}`);
  const instance = await fixture.runtime.launch({ ...(await fixture.packed(files)), output }, { signal: never });
  await instance.exited;
  expect(kept).toContain('build compiled');
  expect(kept.at(-1)).toBe('stdout running');
});

const SHOW = "const fs = require('fs'); console.log('RESULT ' + JSON.stringify({ value: require('dep'), argv: process.argv.slice(2) }));";
const resultOf = (lines: readonly string[]): unknown => JSON.parse(lines.find((line) => line.startsWith('RESULT '))?.slice(7) ?? 'null');

describe('the environment of a chaincode process', () => {
  const print =
    "const fs = require('fs'); const r = {}; for (const [k, v] of Object.entries(process.env)) r[k] = v.startsWith('/') && /_PATH$|_FILE$/.test(k) ? [(fs.statSync(v).mode & 0o777).toString(8), fs.readFileSync(v, 'utf8')] : v; console.log('RESULT ' + JSON.stringify({ env: r, cwd: process.cwd(), argv: process.argv.slice(2) }));";

  it('has what shims read and nothing of the peer’s', async () => {
    await using fixture = await open({
      host: { CORE_PEER_MSPCONFIGPATH: '/peer/msp', AWS_SECRET: 'x', https_proxy: 'http://proxy', npm_config_registry: 'http://r' },
    });
    const files = { 'package.json': JSON.stringify({ name: 'cc', scripts: { start: 'node index.js' } }), 'index.js': print };
    const spec = {
      ...(await fixture.packed(files, 'peer0:7052')),
      env: { CORE_CHAINCODE_LOGGING_LEVEL: 'debug' },
      tls: { clientKey: 'KEY', clientCert: 'CERT', rootCert: 'ROOT' },
    };
    const instance = await fixture.runtime.launch(spec, { signal: never });
    const { lastOutput } = await instance.exited;
    const result = resultOf(lastOutput);
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    expect(result).toMatchObject({
      argv: ['--peer.address', 'peer0:7052'],
      env: {
        CORE_CHAINCODE_ID_NAME: 'cc:1.0',
        CORE_PEER_ADDRESS: 'peer0:7052',
        CORE_PEER_TLS_ENABLED: 'true',
        CORE_PEER_LOCALMSPID: 'Org1MSP',
        CORE_CHAINCODE_LOGGING_LEVEL: 'debug',
        CORE_TLS_CLIENT_KEY_PATH: ['600', base64('KEY')],
        CORE_TLS_CLIENT_CERT_PATH: ['600', base64('CERT')],
        CORE_TLS_CLIENT_KEY_FILE: ['600', 'KEY'],
        CORE_TLS_CLIENT_CERT_FILE: ['600', 'CERT'],
        CORE_PEER_TLS_ROOTCERT_FILE: ['600', 'ROOT'],
        https_proxy: 'http://proxy',
        no_grpc_proxy: 'peer0',
      },
    });
    for (const absent of ['CORE_PEER_MSPCONFIGPATH', 'AWS_SECRET', 'npm_config_registry'])
      expect(result).not.toHaveProperty(['env', absent]);
    expect(result).not.toHaveProperty(['env', 'HOME'], join(fixture.directory, 'home'));
  });

  it('says that TLS is off when it is', async () => {
    await using fixture = await open();
    const files = { 'package.json': JSON.stringify({ scripts: { start: 'node index.js' } }), 'index.js': print };
    const instance = await fixture.runtime.launch(await fixture.packed(files), { signal: never });
    const result = resultOf((await instance.exited).lastOutput);
    expect(result).toMatchObject({ env: { CORE_PEER_TLS_ENABLED: 'false' } });
    expect(result).not.toHaveProperty(['env', 'CORE_TLS_CLIENT_KEY_PATH']);
  });

  it.each([true, false])(
    'puts every line into the log, with the chaincode and the transaction it is from, if asked to: %s',
    async (logOutput) => {
      const lines: unknown[] = [];
      const collect = (fields: object): Logger => ({
        ...silent,
        info: (message, more) => void lines.push({ message, ...fields, ...more }),
        child: (more) => collect({ ...fields, ...more }),
      });
      await using fixture = await open({ log: collect({}), logOutput });
      const files = {
        'package.json': JSON.stringify({ scripts: { start: 'node index.js' } }),
        'index.js': "console.log('one\\ntwo'); console.error('three')",
      };
      const running = () => [{ channelId: 'mychannel', txId: 'abc' }];
      const instance = await fixture.runtime.launch({ ...(await fixture.packed(files)), running }, { signal: never });
      await instance.exited;
      for (const [stream, line] of [
        ['stdout', 'one'],
        ['stdout', 'two'],
        ['stderr', 'three'],
      ]) {
        const logged = { message: 'chaincode output', ccid: 'cc:1.0', stream, line, channel: 'mychannel', txId: 'abc' };
        expect(lines.some((each) => JSON.stringify(each) === JSON.stringify(logged))).toBe(logOutput);
      }
      expect(lines).toContainEqual(
        expect.objectContaining({ limits: expect.any(String), newPrivileges: expect.any(String), sandbox: 'none: off' }),
      );
    },
  );
});

describe('dependencies of node chaincode', () => {
  const manifest = JSON.stringify({ name: 'cc', version: '1.0.0', scripts: { start: 'node index.js' }, dependencies: { dep: '1.0.0' } });
  const lockOf = (integrity: string) =>
    JSON.stringify({
      name: 'cc',
      version: '1.0.0',
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': { name: 'cc', version: '1.0.0', dependencies: { dep: '1.0.0' } },
        'node_modules/dep': { version: '1.0.0', integrity },
      },
    });

  it('come from NODE_REGISTRY, once for all packages that need the same ones', async () => {
    await using registry = await openRegistry();
    await using fixture = await open({ registry: registry.url, host: { NPM_CONFIG_REGISTRY: 'http://127.0.0.1:1/' } });
    for (const extra of ['', '// another package with the same dependencies']) {
      const spec = await fixture.packed({
        'package.json': manifest,
        'package-lock.json': lockOf(registry.integrity),
        'index.js': SHOW + extra,
      });
      const instance = await fixture.runtime.launch(spec, { signal: never });
      expect(resultOf((await instance.exited).lastOutput)).toEqual({ value: 'from the registry', argv: ['--peer.address', '127.0.0.1:1'] });
    }
    expect(registry.fetched).toBe(1);
  });

  it('are installed without a lock file too', async () => {
    await using registry = await openRegistry();
    await using fixture = await open({ registry: registry.url });
    const instance = await fixture.runtime.launch(await fixture.packed({ 'package.json': manifest, 'index.js': SHOW }), { signal: never });
    expect(resultOf((await instance.exited).lastOutput)).toMatchObject({ value: 'from the registry' });
  });

  it('that do not fit the lock file are refused with advice', async () => {
    await using registry = await openRegistry();
    await using fixture = await open({ registry: registry.url });
    const other = lockOf(registry.integrity).replaceAll('"dep"', '"other"').replaceAll('node_modules/dep', 'node_modules/other');
    const launch = fixture.runtime.launch(
      await fixture.packed({ 'package.json': manifest, 'package-lock.json': other, 'index.js': SHOW }),
      { signal: never },
    );
    await expect(launch).rejects.toMatchObject({
      code: 'CHAINCODE_BUILD_FAILED',
      message: expect.stringContaining('package-lock.json does not fit package.json'),
    });
  });

  it('that cannot be reached are refused with advice', async () => {
    await using fixture = await open({ registry: 'http://127.0.0.1:1/', host: { npm_config_fetch_retries: '0' } });
    const launch = fixture.runtime.launch(await fixture.packed({ 'package.json': manifest, 'index.js': SHOW }), { signal: never });
    await expect(launch).rejects.toMatchObject({
      code: 'CHAINCODE_BUILD_FAILED',
      message: expect.stringContaining('registry was not reached'),
    });
  });

  it('that lie inside the package are installed with it', async () => {
    await using fixture = await open({ registry: 'http://127.0.0.1:1/', host: { npm_config_fetch_retries: '0' } });
    const files = (value: string) => ({
      'package.json': JSON.stringify({
        name: 'cc',
        version: '1.0.0',
        scripts: { start: 'node index.js' },
        dependencies: { dep: 'file:./dep' },
      }),
      'dep/package.json': JSON.stringify({ name: 'dep', version: '1.0.0', main: 'i.js' }),
      'dep/i.js': `module.exports = '${value}'`,
      'index.js': SHOW,
    });
    for (const value of ['first', 'second']) {
      const instance = await fixture.runtime.launch(await fixture.packed(files(value)), { signal: never });
      expect(resultOf((await instance.exited).lastOutput)).toMatchObject({ value });
    }
  });

  it('that are vendored are used as they are', async () => {
    await using fixture = await open({ registry: 'http://127.0.0.1:1/' });
    const spec = await fixture.packed({ 'package.json': manifest, 'index.js': SHOW, 'lib/x.js': '' });
    const folder = await mkdtemp(join(fixture.directory, 'vendored-'));
    await mkdir(join(folder, 'node_modules/dep'), { recursive: true });
    await writeFile(join(folder, 'package.json'), manifest);
    await writeFile(join(folder, 'index.js'), SHOW);
    await writeFile(join(folder, 'node_modules/dep/index.js'), "module.exports = 'vendored'");
    const codePackage = await packFolder(folder, { skip: () => false });
    const instance = await fixture.runtime.launch({ ...spec, codePackage }, { signal: never });
    expect(resultOf((await instance.exited).lastOutput)).toMatchObject({ value: 'vendored' });
    await expect(stat(join(fixture.directory, 'runtime/builds'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('starting node chaincode', () => {
  it('finds programs of its dependencies and runs the scripts around start', async () => {
    await using fixture = await open();
    const scripts = { prestart: 'echo before', start: 'node index.js', poststart: 'echo after' };
    const files = { 'package.json': JSON.stringify({ name: 'cc', scripts }), 'index.js': "console.log('during ' + process.argv.slice(2))" };
    const instance = await fixture.runtime.launch(await fixture.packed(files, 'h:7'), { signal: never });
    const output = (await instance.exited).lastOutput.filter((line) => /^(before|during|after)/.test(line));
    expect(output).toEqual(['before', 'during --peer.address,h:7', 'after']);
  });

  it('is refused without a start script, with advice', async () => {
    await using fixture = await open();
    const launch = fixture.runtime.launch(await fixture.packed({ 'package.json': '{}', 'index.js': '' }), { signal: never });
    await expect(launch).rejects.toMatchObject({ code: 'CHAINCODE_PACKAGE_INVALID', advice: expect.stringContaining('"start"') });
  });

  it('is refused for languages that this machine does not build', async () => {
    await using fixture = await open();
    const spec = await fixture.packed({ 'package.json': '{}' });
    await expect(fixture.runtime.launch({ ...spec, platform: 'golang' }, { signal: never })).rejects.toMatchObject({
      code: 'CHAINCODE_BUILD_FAILED',
    });
  });
});

describe('a killed peer’s folders', () => {
  it('are removed when the next one launches', async () => {
    await using fixture = await open();
    const stale = join(fixture.directory, 'runtime/instances/2147483646-left');
    await mkdir(stale, { recursive: true });
    await writeFile(join(stale, 'client.key'), 'x');
    const files = { 'package.json': JSON.stringify({ scripts: { start: 'node index.js' } }), 'index.js': '' };
    const instance = await fixture.runtime.launch(await fixture.packed(files), { signal: never });
    await instance.exited;
    await expect(readFile(join(stale, 'client.key'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
