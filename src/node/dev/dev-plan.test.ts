import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DevOptions, keptNetwork, keptOrgs, planNetwork } from './dev-plan.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-plan-'));
});
afterEach(() => rm(folder, { recursive: true }));

const OPTIONS: DevOptions = { channel: 'mychannel', orgs: 2, tls: true, portBase: 7050, block: 'instant', lifecycle: 2 };

describe('a new network', () => {
  it('has the names and ports of the test network', async () => {
    expect(await planNetwork(join(folder, 'new'), OPTIONS)).toEqual({
      channel: 'mychannel',
      tls: true,
      block: 'instant',
      lifecycle: 2,
      orderer: { mspId: 'OrdererMSP', domain: 'example.com', host: 'orderer.example.com', port: 7050, adminPort: 7053 },
      peers: [
        { org: 'Org1', mspId: 'Org1MSP', domain: 'org1.example.com', host: 'peer0.org1.example.com', port: 7051, chaincodePort: 7052 },
        { org: 'Org2', mspId: 'Org2MSP', domain: 'org2.example.com', host: 'peer0.org2.example.com', port: 9051, chaincodePort: 9052 },
      ],
    });
  });

  it('takes free ports, each once, with port base 0', async () => {
    const { orderer, peers } = await planNetwork(folder, { ...OPTIONS, orgs: 3, portBase: 0 });
    const ports = [orderer.port, orderer.adminPort ?? 0, ...peers.flatMap(({ port, chaincodePort }) => [port, chaincodePort])];
    expect(new Set(ports).size).toBe(8);
    expect(ports.every((port) => port > 0)).toBe(true);
  });

  it('does not go beyond the last port', async () => {
    await expect(planNetwork(folder, { ...OPTIONS, orgs: 20, portBase: 30_000 })).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      message: '20 organisations from port 30000 on need ports up to 68002',
    });
  });
});

describe('a network that was kept', () => {
  const kept = async (): Promise<unknown> => JSON.parse(await readFile(join(folder, 'network.json'), 'utf8'));

  it('is as it was where nothing is said, and takes another way of cutting blocks', async () => {
    const made = await planNetwork(folder, { ...OPTIONS, portBase: 0 });
    expect(await planNetwork(folder, { block: 'fabric' })).toEqual({ ...made, block: 'fabric' });
    expect(await kept()).toEqual(made);
    expect(keptOrgs(folder)).toBe(2);
  });

  it('moves to the ports that are asked for, and knows where the channel has its orderer', async () => {
    await planNetwork(folder, OPTIONS);
    const moved = await planNetwork(folder, { block: 'instant', portBase: 9000 });
    expect(moved.orderer).toMatchObject({ port: 9000, configuredPort: 7050 });
    expect(moved.peers.map(({ port, chaincodePort }) => [port, chaincodePort])).toEqual([
      [9001, 9002],
      [11_001, 11_002],
    ]);
    expect(await planNetwork(folder, { block: 'instant' })).toEqual(moved);
    expect((await planNetwork(folder, OPTIONS)).orderer).not.toHaveProperty('configuredPort');
  });

  it('keeps its ports when any free ones will do, unless one is taken', async () => {
    const made = await planNetwork(folder, { ...OPTIONS, portBase: 0 });
    expect(await planNetwork(folder, { ...OPTIONS, portBase: 0 })).toEqual(made);
    const taken = createServer().listen(made.peers[1]?.port, '127.0.0.1');
    await once(taken, 'listening');
    const moved = await planNetwork(folder, { ...OPTIONS, portBase: 0 });
    await once(taken.close(), 'close');
    expect(moved.peers[1]?.port).not.toBe(made.peers[1]?.port);
    expect(moved.orderer.configuredPort).toBe(made.orderer.port);
  });

  it.each([{ channel: 'other' }, { orgs: 1 }, { tls: false }, { lifecycle: 1 as const }])(
    'is not mistaken for one with %j',
    async (other) => {
      await planNetwork(folder, OPTIONS);
      await expect(planNetwork(folder, { ...OPTIONS, ...other })).rejects.toMatchObject({
        code: 'SETTING_INVALID',
        message: expect.stringContaining('the network kept there has channel mychannel, 2 organisations, TLS on, lifecycle 2, not '),
      });
    },
  );

  it('keeps its lifecycle where none is asked for, also when it is from before there were two', async () => {
    const { lifecycle: _, ...unasked } = OPTIONS;
    const { lifecycle: __, ...old } = await planNetwork(folder, OPTIONS);
    expect(await planNetwork(folder, unasked)).toEqual({ ...old, lifecycle: 2 });
    await writeFile(join(folder, 'network.json'), JSON.stringify(old));
    expect(await planNetwork(folder, unasked)).toEqual({ ...old, lifecycle: 1 });
  });

  it('asks for certificates where this start wants it, which takes TLS', async () => {
    const made = await planNetwork(folder, OPTIONS);
    expect(made).not.toHaveProperty('mutualTls');
    expect(await planNetwork(folder, { ...OPTIONS, mutualTls: true })).toEqual({ ...made, mutualTls: true });
    expect(keptNetwork(folder)).toMatchObject({ mutualTls: true }); // for who comes to the running network
    expect(await planNetwork(folder, OPTIONS)).toEqual(made);
    expect(keptNetwork(folder)).not.toHaveProperty('mutualTls');
    const plain = join(folder, 'plain');
    await planNetwork(plain, { ...OPTIONS, tls: false });
    const wanted = { ...OPTIONS, tls: undefined, mutualTls: true };
    await expect(planNetwork(plain, wanted)).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      advice: expect.stringContaining('--mutual-tls'),
    });
  });

  it.each(['{"channel":"mychannel"}', 'no json', 'null'])('cannot be one from %s', async (text) => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'network.json'), text);
    await expect(planNetwork(folder, OPTIONS)).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      message: expect.stringContaining('is no plan of a development network'),
    });
  });
});
