import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunningCommand, selvage } from './command.ts';
import { chaincodeCache } from './network.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-channels-'));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));

const dev = (...flags: readonly string[]): RunningCommand =>
  new RunningCommand(
    ['dev', '--empty', '--data', 'net', '--port-base', '0', '--json', ...flags],
    { SELVAGE_CACHE: chaincodeCache },
    folder,
  );

/** Where clients of a running network find it. */
async function ready(running: RunningCommand): Promise<Record<string, string>> {
  const network = JSON.parse(await running.line((line) => line.startsWith('{"fact":"network"')));
  await running.line((line) => line.startsWith('{"fact":"ready"'));
  const org = join(folder, 'net', 'organizations', 'peerOrganizations', 'org1.example.com');
  return {
    CORE_PEER_LOCALMSPID: 'Org1MSP',
    CORE_PEER_ADDRESS: network.peers[0].address,
    CORE_PEER_MSPCONFIGPATH: join(org, 'users', 'Admin@org1.example.com', 'msp'),
    CORE_PEER_TLS_ENABLED: 'true',
    CORE_PEER_TLS_ROOTCERT_FILE: join(org, 'peers', 'peer0.org1.example.com', 'tls', 'ca.crt'),
  };
}

async function channelsOf(env: Record<string, string>): Promise<readonly string[]> {
  const { stdout } = await selvage(['channel', 'list'], { env, cwd: folder });
  return stdout.trim().split('\n').slice(1).sort();
}

describe('channels of a development network', () => {
  it('are made with it and while it runs, and are all there the next time', async () => {
    {
      await using running = dev('--orgs', '2', '--channel', 'one', '--channel', 'two');
      const env = await ready(running);
      expect(await channelsOf(env)).toEqual(['one', 'two']);
      const create = (...args: readonly string[]) => selvage(['channel', 'create', ...args], { cwd: folder });
      const made = await create('three', '--data', 'net');
      expect(made.stderr).toContain('Channel three is there, joined by 2 peers.');
      expect(await channelsOf(env)).toEqual(['one', 'three', 'two']);
      expect((await create('three', '--data', 'net')).stderr).toContain('the network has a channel three already');
      expect((await create('Four', '--data', 'net')).stderr).toContain("'Four' contains illegal characters");
      expect((await create('four')).stderr).toContain('no development network is named');
      expect((await create('four', '--data', 'elsewhere')).stderr).toContain('there is no development network in');
      await running.interrupt();
    }
    expect((await selvage(['channel', 'create', 'four', '--data', 'net'], { cwd: folder })).stderr).toContain('cannot reach localhost:');
    await using running = dev();
    const env = await ready(running);
    expect(await channelsOf(env)).toEqual(['one', 'three', 'two']);
    const info = await selvage(['channel', 'getinfo', '-c', 'three'], { env, cwd: folder });
    expect(info.stdout).toContain('"height":1');
    await running.interrupt();
  });
});
