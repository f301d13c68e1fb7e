import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { common, protos } from '../../src/protos/messages.ts';
import { RunningCommand, selvage, sourced } from './command.ts';
import { chaincodeCache, repository } from './network.ts';

interface NetworkFact {
  readonly orderer: string;
  readonly peers: readonly { readonly address: string; readonly mspId: string }[];
}

/** Everything a user of the stock `peer` does, on a network that `selvage dev` runs in another process. */
describe('the command line', () => {
  let folder: string;
  let dev: RunningCommand;
  let network: NetworkFact;
  let env: Record<string, string>;
  let orderer: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-cli-'));
    const data = join(folder, 'data');
    dev = new RunningCommand(
      ['dev', join(repository, 'chaincodes/kv-node'), '--name', 'kv', '--data', data, '--port-base', '0', '--json', '--lifecycle', '1'],
      {
        SELVAGE_CACHE: chaincodeCache,
      },
    );
    network = JSON.parse(await dev.line((line) => line.startsWith('{"fact":"network"')));
    const ready: { env: string } = JSON.parse(await dev.line((line) => line.startsWith('{"fact":"ready"')));
    env = sourced(ready.env);
    orderer = (env['ORDERER_FLAGS'] ?? '').split(' ');
  });

  afterAll(async () => {
    await dev?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const run = (...args: string[]) => selvage(args, { env, cwd: folder });

  it('invokes and queries', async () => {
    const invoked = await run(
      'chaincode',
      'invoke',
      ...orderer,
      '-C',
      'mychannel',
      '-n',
      'kv',
      '-c',
      '{"Args":["put","a","1"]}',
      '--waitForEvent',
    );
    expect(invoked.stderr).toMatch(/committed with status \(VALID\)[\s\S]*Chaincode invoke successful\. result: status:200/);
    const queried = await run('chaincode', 'query', '-C', 'mychannel', '-n', 'kv', '-c', '{"Args":["get","a"]}');
    expect(queried).toMatchObject({ code: 0, stdout: '1\n' });
    expect((await run('chaincode', 'query', '-C', 'mychannel', '-n', 'kv', '-c', '{"function":"get","Args":["a"]}', '-x')).stdout).toBe(
      '31\n',
    );
  });

  it('packages, signs, installs, instantiates, upgrades and lists', async () => {
    const source = ['-n', 'kv2', '-p', join(repository, 'chaincodes/kv-node'), '-l', 'node'];
    expect(await run('chaincode', 'package', 'kv2.pak', ...source, '-v', '1.0', '-s', '-S', '-i', "OR('Org1MSP.admin')")).toMatchObject({
      code: 0,
    });
    expect(await run('chaincode', 'signpackage', 'kv2.pak', 'signed.pak')).toMatchObject({
      code: 0,
      stdout: 'Wrote signed package to signed.pak successfully\n',
    });
    const other = await run('chaincode', 'install', 'signed.pak', '-n', 'kv3');
    expect(other).toMatchObject({ code: 1, stderr: 'Error: chaincode name kv3 does not match name kv2 in package\n' });
    expect(await run('chaincode', 'package', 'admins.pak', ...source, '-v', '1.0', '-s')).toMatchObject({ code: 0 });
    expect(owners(await readFile(join(folder, 'signed.pak')))).toBe(2);
    expect((await run('chaincode', 'install', 'signed.pak')).stderr).toContain('Installed remotely');
    const deploy = [...orderer, '-C', 'mychannel', '-n', 'kv2', '-l', 'node', '-c', '{"Args":["init","colour","red"]}'];
    expect(await run('chaincode', 'instantiate', ...deploy, '-v', '1.0', '-P', "OR('Org1MSP.member')")).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(await waitForVersion('1.0')).toContain('Name: kv2, Version: 1.0');
    expect((await run('chaincode', 'query', '-C', 'mychannel', '-n', 'kv2', '-c', '{"Args":["get","colour"]}')).stdout).toBe('red\n');
    await run('chaincode', 'install', ...source, '-v', '2.0');
    expect(await run('chaincode', 'upgrade', ...deploy, '-v', '2.0')).toMatchObject({ code: 0 });
    expect(await waitForVersion('2.0')).toContain('Name: kv2, Version: 2.0');
    const { stdout } = await run('chaincode', 'list', '--installed');
    expect(stdout.match(/Name: kv2, Version: [\d.]+/g)?.sort()).toEqual(['Name: kv2, Version: 1.0', 'Name: kv2, Version: 2.0']);
  });

  /** The orderer has it; the peer's blocks say when it is committed. */
  async function waitForVersion(version: string): Promise<string> {
    for (;;) {
      const { stdout } = await run('chaincode', 'list', '--instantiated', '-C', 'mychannel');
      if (stdout.includes(`Name: kv2, Version: ${version}`)) return stdout;
    }
  }

  it('knows its channels and fetches blocks from orderer and peer', async () => {
    expect((await run('channel', 'list')).stdout).toBe('Channels peers has joined: \nmychannel\n');
    expect((await run('channel', 'getinfo', '-c', 'mychannel')).stdout).toMatch(/^Blockchain info: \{"height":\d+,/);
    expect(await run('channel', 'fetch', '0', 'zero.block', '-c', 'mychannel', ...orderer)).toMatchObject({ code: 0 });
    expect(await run('channel', 'fetch', 'config', 'config.block', '-c', 'mychannel')).toMatchObject({ code: 0 });
    const [zero, config] = [await readFile(join(folder, 'zero.block')), await readFile(join(folder, 'config.block'))].map((bytes) =>
      common.Block.decode(bytes),
    );
    expect(config?.header).toEqual(zero?.header);
  });

  it('says what failed and what to do', async () => {
    const unknown = await run('chaincode', 'query', '-C', 'mychannel', '-n', 'nobody', '-c', '{"Args":[]}');
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toContain('chaincode nobody not found');
    const usage = await run('chaincode', 'query', '-C', 'mychannel', '-n', 'kv', '-c', 'get a');
    expect(usage.code).toBe(1);
    expect(usage.stderr).toContain(`Write -c '{"Args":["function"`);
    const away = await selvage(['channel', 'list'], {
      env: { ...env, CORE_PEER_ADDRESS: '127.0.0.1:1', CORE_PEER_CLIENT_CONNTIMEOUT: '100ms' },
    });
    expect(away.code).toBe(1);
    expect(away.stderr).toMatch(
      /^Error: cannot reach the peer at 127\.0\.0\.1:1: .*ECONNREFUSED.*\nNothing listens at 127\.0\.0\.1:1: start the peer/,
    );
    expect((await run('chaincode', 'nonsense')).code).toBe(1);
  });

  it('leaves no process, port or temporary file after Ctrl-C, and goes on with its data', async () => {
    expect(await dev.interrupt()).toBe(0);
    for (const address of [network.orderer, ...network.peers.map((peer) => peer.address)])
      await expect(connects(address)).resolves.toBe(false);
    expect(await processesWith(folder)).toEqual([]);
    const again = await selvage(
      ['dev', join(repository, 'chaincodes/kv-node'), '--name', 'kv', '--data', join(folder, 'data'), '--once', '--json'],
      {
        env: { SELVAGE_CACHE: chaincodeCache },
      },
    );
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('"did":"nothing"');
    expect(again.stdout).toContain('"joined":0');
  });

  it('removes its temporary folder when it was not told to keep anything', async () => {
    const { stdout, code } = await selvage(['dev', '--once', '--json', '--port-base', '0'], { cwd: folder });
    expect(code).toBe(0);
    const { data }: { data: string } = JSON.parse(stdout.split('\n')[0] ?? '');
    expect(existsSync(data)).toBe(false);
  });

  it('ends and tidies up when nobody reads what it prints any more', async () => {
    await using unread = new RunningCommand(['dev', '--json', '--port-base', '0'], {}, folder);
    const { data }: { data: string } = JSON.parse(await unread.line((line) => line.startsWith('{"fact":"network"')));
    expect([0, 130]).toContain(await unread.hangUp());
    expect(existsSync(data)).toBe(false);
  });
});

function owners(signed: Uint8Array): number {
  const payload = common.Payload.decode(common.Envelope.decode(signed).payload);
  return protos.SignedChaincodeDeploymentSpec.decode(payload.data).ownerEndorsements.length;
}

function connects(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: Number(port) });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Command lines of processes that mention a folder, where the system has `/proc`. */
async function processesWith(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const titles = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))); // it ended meanwhile
  return titles.filter((title) => title.includes(folder));
}
