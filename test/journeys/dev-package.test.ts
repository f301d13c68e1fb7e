import { appendFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../src/common/scope.ts';
import { freePort } from '../free-ports.ts';
import { installedSample } from '../runtimes/installed-sample.ts';
import { StartedProgram } from '../runtimes/started-program.ts';
import { type Finished, RunningCommand, selvage, sourced } from './command.ts';
import { chaincodeCache, repository } from './network.ts';

const sample = await installedSample('kv-node');
const ENVIRONMENT = { SELVAGE_CACHE: chaincodeCache };

/** `selvage dev` with a package in place of a folder. */
describe('selvage dev with a package', () => {
  let folder: string;
  let scope: Scope;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-dev-package-'));
    await cp(join(repository, 'chaincodes/kv-node'), join(folder, 'kv'), {
      recursive: true,
      filter: (path) => !path.includes('node_modules'),
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  beforeEach(() => {
    scope = new Scope();
  });
  afterEach(() => scope[Symbol.asyncDispose]());

  const factIn = (text: string, name: string) => JSON.parse(text.split('\n').find((line) => line.startsWith(`{"fact":"${name}"`)) ?? '{}');
  const told = async (dev: RunningCommand, name: string) => factIn(await dev.line((line) => line.startsWith(`{"fact":"${name}"`)), name);
  const pack = (...flags: string[]): Promise<Finished> =>
    selvage(['lifecycle', 'chaincode', 'package', 'kv.tar.gz', '--label', 'kv_1.0', ...flags], { cwd: folder });
  const packageId = async () =>
    (await selvage(['lifecycle', 'chaincode', 'calculatepackageid', 'kv.tar.gz'], { cwd: folder })).stdout.trim();
  const start = (...flags: string[]): RunningCommand =>
    scope.use(new RunningCommand(['dev', 'kv.tar.gz', '--port-base', '0', '--json', '--no-tls', ...flags], ENVIRONMENT, folder));
  const once = (...flags: string[]): Promise<Finished> =>
    selvage(['dev', 'kv.tar.gz', '--port-base', '0', '--json', '--no-tls', '--once', ...flags], { env: ENVIRONMENT, cwd: folder });

  const call = (env: Record<string, string>, verb: 'query' | 'invoke', ...args: string[]) => {
    const flags = verb === 'query' ? [] : [...(env['ORDERER_FLAGS'] ?? '').split(' '), '--waitForEvent'];
    return selvage(['chaincode', verb, ...flags, '-C', 'mychannel', '-n', 'kv', '-c', JSON.stringify({ Args: args })], { env });
  };

  it('deploys it, takes a new one when the file changes, and goes on with both next time', async () => {
    const data = ['--data', 'data'];
    expect(await pack('--path', 'kv')).toMatchObject({ code: 0 });
    const first = await packageId();
    const dev = start('--watch', ...data);
    expect(await told(dev, 'chaincode')).toMatchObject({ name: 'kv', did: 'committed', version: '1.0', sequence: 1, packageId: first });
    const env = sourced((await told(dev, 'ready')).env);
    expect(await call(env, 'invoke', 'put', 'a', '1')).toMatchObject({ code: 0 });
    await appendFile(join(folder, 'kv', 'index.js'), '\n// edited\n');
    expect(await pack('--path', 'kv')).toMatchObject({ code: 0 });
    const second = await packageId();
    expect(second).not.toBe(first);
    expect(await told(dev, 'changed')).toMatchObject({ did: 'upgraded', version: '1.0', sequence: 1, packageId: second, code: 'VALID' });
    expect((await call(env, 'query', 'get', 'a')).stdout).toBe('1\n');
    expect(await dev.interrupt()).toBe(0);

    expect(factIn((await once(...data)).stdout, 'chaincode')).toMatchObject({ did: 'nothing', packageId: second });
    const changed = await once(...data, '-P', "OR('Org1MSP.peer')", '-c', '{"Args":["init","colour","red"]}');
    expect(factIn(changed.stdout, 'chaincode')).toMatchObject({
      did: 'upgraded',
      version: '2.0',
      sequence: 2,
      packageId: second,
      code: 'VALID',
    });
    const other = await selvage(['dev', 'kv', '--no-tls', '--once', ...data, '--lifecycle', '1'], { cwd: folder });
    expect(other).toMatchObject({ code: 2 });
    expect(other.stderr).toContain('the network kept there has channel mychannel, 1 organisation, TLS off, lifecycle 2, not ');
  });

  it('keeps what runs in place of a package that does not start', async () => {
    const data = ['--data', 'broken'];
    expect(await pack('--path', 'kv')).toMatchObject({ code: 0 });
    const good = await packageId();
    expect(await once(...data)).toMatchObject({ code: 0 });
    await cp(join(folder, 'kv'), join(folder, 'bad'), { recursive: true });
    await writeFile(join(folder, 'bad', 'index.js'), "throw new Error('broken on purpose');\n");
    expect(await pack('--path', 'bad')).toMatchObject({ code: 0 });
    const failed = await once(...data);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('broken on purpose');
    await pack('--path', 'kv');
    expect(factIn((await once(...data)).stdout, 'chaincode')).toMatchObject({ did: 'nothing', packageId: good });
  });

  it.skipIf(sample === undefined)('names the id that a service has to be started with', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    await mkdir(join(folder, 'service'));
    await writeFile(join(folder, 'service', 'connection.json'), JSON.stringify({ address, dial_timeout: '200s', tls_required: false }));
    expect(await pack('--path', 'service')).toMatchObject({ code: 0 });
    const dev = start();
    const { packageId: id } = await told(dev, 'service');
    expect(id).toBe(await packageId());
    const env = sourced((await told(dev, 'ready')).env);
    const settings = {
      env: { CHAINCODE_SERVER_ADDRESS: address, CHAINCODE_ID: id, CORE_CHAINCODE_LOGGING_LEVEL: 'info' },
      cwd: sample ?? '',
    };
    scope.use(new StartedProgram(process.execPath, ['index.js'], settings));
    expect(await call(env, 'invoke', 'put', 'a', '1')).toMatchObject({ code: 0 });
    expect((await call(env, 'query', 'get', 'a')).stdout).toBe('1\n');
  });

  it('is not a package of the other lifecycle, nor anything else', async () => {
    await pack('--path', 'kv');
    const other = await once('--lifecycle', '1');
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('is a package of the 2.x lifecycle\nLeave out --lifecycle 1');
    const none = await selvage(['dev', join('kv', 'index.js'), '--once', '--port-base', '0'], { cwd: folder });
    expect(none.code).toBe(1);
    expect(none.stderr).toContain('could not parse as a chaincode install package');
    expect(await selvage(['dev', 'kv.tar.gz', '--lifecycle', '3'], { cwd: folder })).toMatchObject({ code: 2 });
  });
});
