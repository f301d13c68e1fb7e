/**
 * The stock command line of Fabric 2.5 against our peers, and its output beside ours. It runs when `SELVAGE_STOCK_PEER` names the
 * program: `SELVAGE_STOCK_PEER=/usr/local/bin/peer npx vitest run test/journeys/stock-peer.test.ts`.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainEnvironment, selvage, sourced } from './command.ts';
import { repository, type TestNetwork, testNetwork } from './network.ts';

const stock = process.env['SELVAGE_STOCK_PEER'];
const run = promisify(execFile);

describe.skipIf(stock === undefined)(
  `the stock peer command${stock === undefined ? ' (skipped: SELVAGE_STOCK_PEER is not set)' : ''}`,
  () => {
    let folder: string;
    let network: TestNetwork;
    let orgs: readonly Record<string, string>[];
    let orderer: string[];
    let bothPeers: string[];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'selvage-stock-'));
      await writeFile(join(folder, 'core.yaml'), 'peer:\n  BCCSP:\n    Default: SW\n    SW: { Hash: SHA2, Security: 256 }\n');
      const kv = join(repository, 'chaincodes/kv-node');
      await cp(kv, join(folder, 'kv'), { recursive: true, filter: (path) => !path.includes('node_modules') });
      network = await testNetwork({ format: 'tar.gz', orgs: 2 });
      orgs = [1, 2].map((org) => ({
        ...plainEnvironment(),
        ...sourced(network.network.envFiles[org - 1]?.file ?? ''),
        FABRIC_CFG_PATH: folder,
      }));
      orderer = (orgs[0]?.['ORDERER_FLAGS'] ?? '').split(' ');
      bothPeers = orgs.flatMap((env) => [
        ...['--peerAddresses', env['CORE_PEER_ADDRESS'] ?? ''],
        ...['--tlsRootCertFiles', env['CORE_PEER_TLS_ROOTCERT_FILE'] ?? ''],
      ]);
    });

    afterAll(async () => {
      await network?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    const peer = async (org: 1 | 2, ...args: readonly string[]): Promise<string> =>
      (await run(stock ?? '', args, { cwd: folder, env: orgs[org - 1] ?? {} })).stdout;
    const ours = async (org: 1 | 2, ...args: readonly string[]): Promise<string> =>
      (await selvage(args, { cwd: folder, env: orgs[org - 1] ?? {} })).stdout;
    const LIFECYCLE = ['lifecycle', 'chaincode'];

    it('takes chaincode from the package to the answer, and prints what we print', async () => {
      await peer(1, ...LIFECYCLE, 'package', 'kv.tar.gz', '--path', 'kv', '--lang', 'node', '--label', 'kv_1.0');
      const id = (await ours(1, ...LIFECYCLE, 'calculatepackageid', 'kv.tar.gz')).trim();
      expect((await peer(1, ...LIFECYCLE, 'calculatepackageid', 'kv.tar.gz')).trim()).toBe(id);
      const collections = [{ name: 'secret', policy: "OR('Org1MSP.member','Org2MSP.member')", blockToLive: 5, memberOnlyRead: true }];
      await writeFile(join(folder, 'collections.json'), JSON.stringify(collections));
      const policy = ['--signature-policy', "OutOf(2,'Org1MSP.peer','Org2MSP.peer')", '--collections-config', 'collections.json'];
      const definition = ['-C', 'mychannel', '-n', 'kv', '-v', '1.0', '--sequence', '1', '--init-required', ...policy];
      for (const org of [1, 2] as const) {
        await peer(org, ...LIFECYCLE, 'install', 'kv.tar.gz');
        await peer(org, ...LIFECYCLE, 'approveformyorg', ...orderer, ...definition, '--package-id', id);
      }
      expect(await ours(1, ...LIFECYCLE, 'checkcommitreadiness', ...definition)).toBe(
        await peer(2, ...LIFECYCLE, 'checkcommitreadiness', ...definition),
      );
      await peer(1, ...LIFECYCLE, 'commit', ...orderer, ...bothPeers, ...definition);
      const queries = [['queryinstalled'], ['querycommitted', '-C', 'mychannel'], ['querycommitted', '-C', 'mychannel', '-n', 'kv']];
      for (const query of [...queries, ['queryapproved', '-C', 'mychannel', '-n', 'kv']])
        for (const output of [[], ['--output', 'json']])
          expect(await ours(1, ...LIFECYCLE, ...query, ...output)).toBe(await peer(1, ...LIFECYCLE, ...query, ...output));
      const invoke = ['chaincode', 'invoke', ...orderer, ...bothPeers, '-C', 'mychannel', '-n', 'kv', '--waitForEvent'];
      await peer(1, ...invoke, '--isInit', '-c', '{"Args":["init","colour","red"]}');
      await peer(1, ...invoke, '-c', '{"Args":["put","a","1"]}');
      for (const org of [1, 2] as const)
        expect(await peer(org, 'chaincode', 'query', '-C', 'mychannel', '-n', 'kv', '-c', '{"Args":["get","a"]}')).toBe('1\n');
    });

    it('takes packages that we made', async () => {
      await ours(1, ...LIFECYCLE, 'package', 'ours.tar.gz', '--path', 'kv', '--label', 'ours_1');
      const id = (await peer(1, ...LIFECYCLE, 'calculatepackageid', 'ours.tar.gz')).trim();
      await peer(1, ...LIFECYCLE, 'install', 'ours.tar.gz');
      await peer(1, ...LIFECYCLE, 'getinstalledpackage', '--package-id', id);
      expect(await readFile(join(folder, `${id}.tar.gz`))).toEqual(await readFile(join(folder, 'ours.tar.gz')));
    });
  },
);
