import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configEnvelopeOfBlock } from '../../src/msp/channelconfig/config-block.ts';
import { ordererFolder, peerFolder, userFolder } from '../../src/node/dev/dev-material.ts';
import { common, protos } from '../../src/protos/messages.ts';
import { computeUpdate } from '../compute-update.ts';
import { updateEnvelope } from '../update-envelope.ts';
import { selvage } from './command.ts';
import { never, type TestNetwork, testNetwork } from './network.ts';

/** A running channel is reconfigured with the command line, as an operator would: fetch, compute, sign, send. */
describe('updating the configuration of a running channel', () => {
  let running: TestNetwork;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-config-'));
    running = await testNetwork({ orgs: 2 });
  });

  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const as = (org: number) => {
    const { plan, folders } = running.network;
    const peer = plan.peers[org];
    if (peer === undefined) throw new Error('no such organisation');
    const env = {
      CORE_PEER_LOCALMSPID: peer.mspId,
      CORE_PEER_ADDRESS: `localhost:${peer.port}`,
      CORE_PEER_MSPCONFIGPATH: join(userFolder(folders, peer, 'Admin'), 'msp'),
      CORE_PEER_TLS_ENABLED: 'true',
      CORE_PEER_TLS_ROOTCERT_FILE: join(peerFolder(folders, peer), 'tls', 'ca.crt'),
    };
    const orderer = [
      '-o',
      `localhost:${plan.orderer.port}`,
      '--tls',
      '--cafile',
      join(ordererFolder(folders, plan.orderer), 'tls', 'ca.crt'),
    ];
    return { run: (...args: string[]) => selvage(args, { env, cwd: folder }), orderer };
  };

  it('takes an ACL that both organisations signed, on the orderer and on both peers', async () => {
    const [first, second] = [as(0), as(1)];
    await first.run('channel', 'fetch', 'config', 'config.block', '-c', 'mychannel', ...first.orderer);
    const { config } = configEnvelopeOfBlock(common.Block.decode(await readFile(join(folder, 'config.block'))));
    await writeFile(join(folder, 'update.tx'), updateEnvelope(computeUpdate(config, withAcl(config), 'mychannel')));
    const alone = await first.run('channel', 'update', '-f', 'update.tx', '-c', 'mychannel', ...first.orderer);
    expect(alone).toMatchObject({ code: 1 });
    expect(alone.stderr).toContain('BAD_REQUEST');
    expect(await second.run('channel', 'signconfigtx', '-f', 'update.tx')).toMatchObject({ code: 0 });
    expect(await first.run('channel', 'update', '-f', 'update.tx', '-c', 'mychannel', ...first.orderer)).toMatchObject({ code: 0 });
    for (const { peer, signer } of running.clients.admins) {
      for await (const { block } of peer.blocks(signer, 'mychannel', { start: 1n, stop: 1n }, { signal: never })) {
        if (block === undefined) throw new Error('no block');
        expect(configEnvelopeOfBlock(block).config.sequence).toBe(1n);
        expect([...(block.metadata?.metadata[2] ?? [])]).toEqual([0]);
      }
    }
  });

  it('holds clients to the new rule at once', async () => {
    const { run } = as(0);
    const { stderr, code } = await run('channel', 'getinfo', '-c', 'mychannel');
    expect(code).toBe(1);
    expect(stderr).toContain('access denied for [GetChainInfo][mychannel]: [');
  });
});

/** The same configuration in which nobody may ask for the chain's height: the ACL names a policy that is not there. */
function withAcl(config: common.Config): common.Config {
  const root = config.channelGroup;
  const application = root?.groups.get('Application');
  if (root === undefined || application === undefined) throw new Error('no application group');
  const value = protos.ACLs.encode({ acls: new Map([['qscc/GetChainInfo', { policyRef: '/Channel/Application/Nobody' }]]) });
  const values = new Map(application.values).set('ACLs', { version: 0n, value, modPolicy: 'Admins' });
  return { ...config, channelGroup: { ...root, groups: new Map(root.groups).set('Application', { ...application, values }) } };
}
