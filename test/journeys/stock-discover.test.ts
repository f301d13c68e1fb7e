/**
 * The stock `discover` command against our peers. It runs when `SELVAGE_STOCK_DISCOVER` names the program:
 * `SELVAGE_STOCK_DISCOVER=/usr/local/bin/discover npx vitest run test/journeys/stock-discover.test.ts`.
 */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { userFolder } from '../../src/node/dev/dev-material.ts';
import { type TestNetwork, testNetwork } from './network.ts';

const stock = process.env['SELVAGE_STOCK_DISCOVER'];
const run = promisify(execFile);

describe.skipIf(stock === undefined)(
  `the stock discover command${stock === undefined ? ' (skipped: SELVAGE_STOCK_DISCOVER is not set)' : ''}`,
  () => {
    let folder: string;
    let running: TestNetwork;
    let server: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'selvage-discover-'));
      running = await testNetwork({ format: 'tar.gz' });
      await running.deploy('kv', 'kv-node');
      server = `localhost:${running.network.plan.peers[0]?.port}`;
      for (const user of ['Admin', 'User1']) await saveConfig(user);
    });

    afterAll(async () => {
      await running?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    const discover = async (user: string, ...args: readonly string[]): Promise<string> =>
      (await run(stock ?? '', ['--configFile', join(folder, user), ...args])).stdout;

    /** The command makes a TLS certificate of its own each time, whose file it hashes. */
    async function saveConfig(user: string): Promise<void> {
      const { plan, folders } = running.network;
      const [org] = plan.peers;
      if (org === undefined) throw new Error('no organisation');
      const msp = join(userFolder(folders, org, user), 'msp');
      const only = (...path: readonly string[]): string => join(...path, readdirSync(join(...path))[0] ?? '');
      const files = ['--peerTLSCA', only(msp, 'tlscacerts'), '--userKey', only(msp, 'keystore'), '--userCert', only(msp, 'signcerts')];
      await discover(user, ...files, '--MSP', org.mspId, 'saveConfig');
    }

    it('lists the peers of a channel with their heights and chaincodes', async () => {
      const [peer] = JSON.parse(await discover('User1', 'peers', '--channel', 'mychannel', '--server', server)) as object[];
      expect(peer).toMatchObject({ MSPID: 'Org1MSP', Endpoint: server, Chaincodes: ['kv', '_lifecycle'] });
    });

    it('lists what is known beyond channels to administrators alone', async () => {
      expect(JSON.parse(await discover('Admin', 'peers', '--server', server))).toHaveLength(1);
      await expect(discover('User1', 'peers', '--server', server)).rejects.toThrow('access denied');
    });

    it('shows the configuration', async () => {
      const config = JSON.parse(await discover('User1', 'config', '--channel', 'mychannel', '--server', server)) as {
        msps: object;
        orderers: object;
      };
      expect(Object.keys(config.msps).sort()).toEqual(['OrdererMSP', 'Org1MSP']);
      expect(config.orderers).toEqual({
        OrdererMSP: { endpoint: [{ host: 'localhost', port: running.network.plan.orderer.port }] },
      });
    });

    it('finds the endorsers of a chaincode, and says so where there are none', async () => {
      const asked = ['endorsers', '--channel', 'mychannel', '--server', server, '--chaincode'];
      const [descriptor] = JSON.parse(await discover('User1', ...asked, 'kv')) as object[];
      expect(descriptor).toMatchObject({ Chaincode: 'kv', Layouts: [{ quantities_by_group: { G0: 1 } }] });
      await expect(discover('User1', ...asked, 'absent')).rejects.toThrow(
        'failed constructing descriptor for chaincodes:<name:"absent" > ',
      );
    });
  },
);
