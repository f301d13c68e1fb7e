import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Scope } from '../../src/common/scope.ts';
import { configEnvelopeOfBlock } from '../../src/msp/channelconfig/config-block.ts';
import type { Organization } from '../../src/msp/material/organization.ts';
import { common } from '../../src/protos/messages.ts';
import { computeUpdate } from '../compute-update.ts';
import { genesisOf, organization, writtenNode } from '../fakes/small-network.ts';
import { freePorts } from '../free-ports.ts';
import { updateEnvelope } from '../update-envelope.ts';
import { RunningCommand, selvage, sourced } from './command.ts';
import { testNetwork } from './network.ts';

/** The configuration with an organisation more, as configtxgen describes it. */
function withOrganization(config: common.Config, org: Organization): common.Config {
  const root = config.channelGroup;
  const application = root?.groups.get('Application');
  const example = configEnvelopeOfBlock(common.Block.decode(common.Block.encode(genesisOf({ peers: [org], orderers: [] }))));
  const group = example.config.channelGroup.groups.get('Application')?.groups.get(org.mspId);
  if (root === undefined || application === undefined || group === undefined) throw new Error('no application group');
  const groups = new Map(application.groups).set(org.mspId, group);
  return { ...config, channelGroup: { ...root, groups: new Map(root.groups).set('Application', { ...application, groups }) } };
}

it('an organisation is added to a running network, and its peer follows the channel', async () => {
  await using scope = new Scope();
  const folder = await mkdtemp(join(tmpdir(), 'selvage-added-'));
  scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const { network } = scope.use(await testNetwork({ format: 'tar.gz' }));
  const env = sourced(join(network.folders.root, 'env.sh'));
  const orderer = ['-o', env['ORDERER_ADDRESS'] ?? '', '--tls', '--cafile', env['ORDERER_CA'] ?? ''];
  const admin = (...args: readonly string[]) => selvage(['channel', ...args, '-c', 'mychannel'], { env, cwd: folder });

  const added = await organization('peer', 'Added');
  const files = await writtenNode(folder, added);
  const [port = 0, chaincodePort = 0] = await freePorts(2);
  const member = {
    CORE_PEER_LOCALMSPID: 'AddedMSP',
    CORE_PEER_ADDRESS: `localhost:${port}`,
    CORE_PEER_TLS_ENABLED: 'true',
    CORE_PEER_TLS_ROOTCERT_FILE: files.rootFile,
  };
  const peer = scope.use(
    new RunningCommand(['node', 'start'], {
      ...member,
      CORE_PEER_LISTENADDRESS: `127.0.0.1:${port}`,
      CORE_PEER_CHAINCODELISTENADDRESS: `127.0.0.1:${chaincodePort}`,
      CORE_PEER_MSPCONFIGPATH: files.msp,
      CORE_PEER_FILESYSTEMPATH: join(folder, 'data'),
      CORE_PEER_TLS_CERT_FILE: files.certFile,
      CORE_PEER_TLS_KEY_FILE: files.keyFile,
    }),
  );
  await peer.line((line) => line.includes('peer is ready'));
  const own = { ...member, CORE_PEER_MSPCONFIGPATH: join(files.msp, '..', '..', '..', 'users', 'Admin@added.example.com', 'msp') };
  expect(await selvage(['channel', 'join', '-b', network.folders.genesisBlock], { env: own })).toMatchObject({ code: 0 });
  await peer.line((line) => line.includes('FORBIDDEN')); // the orderer gives nothing to a stranger

  expect(await admin('fetch', 'config', 'config.block', ...orderer)).toMatchObject({ code: 0 });
  const { config } = configEnvelopeOfBlock(common.Block.decode(await readFile(join(folder, 'config.block'))));
  await writeFile(join(folder, 'update.tx'), updateEnvelope(computeUpdate(config, withOrganization(config, added), 'mychannel')));
  expect(await admin('update', '-f', 'update.tx', ...orderer)).toMatchObject({ code: 0 });

  const height = async (): Promise<string> => (await selvage(['channel', 'getinfo', '-c', 'mychannel'], { env: own })).stdout;
  while (!(await height()).includes('"height":2')); // each look takes a process, so nothing spins
  const [info, theirs] = [await height(), await admin('getinfo')];
  expect(info).toBe(theirs.stdout);
});
