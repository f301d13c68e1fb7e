import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { evaluate } from '../../src/client/submit.ts';
import { textOf, utf8 } from '../../src/common/bytes.ts';
import { messageOf } from '../../src/common/errors.ts';
import { deployChaincode } from '../../src/node/dev/dev-deploy.ts';
import { chaincodeFolder } from './faulty-chaincode.ts';
import { never, testNetwork } from './network.ts';
import { RawChaincode } from './raw-chaincode.ts';

const INDEX = { index: { fields: ['owner'] }, ddoc: 'byOwnerDoc', name: 'byOwner', type: 'json' };

/** The chaincode of a package with an index, run by the user, so that nothing has to be built. */
describe('a network that answers rich queries', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-rich-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const deployed = async (richQueries: boolean) => {
    const source = await chaincodeFolder(folder, 'raw');
    await mkdir(join(source, 'META-INF/statedb/couchdb/indexes'), { recursive: true });
    await writeFile(join(source, 'META-INF/statedb/couchdb/indexes/byOwner.json'), JSON.stringify(INDEX));
    const settings = { chaincode: { mode: 'dev' }, ...(!richQueries && { selvage: { richqueries: 'false' } }) };
    const running = await testNetwork({ format: 'tar.gz', tls: false, settings });
    let packageId = '';
    const onInstalled = (installed: { readonly packageId?: string }): void => {
      packageId = installed.packageId ?? '';
    };
    await deployChaincode(running.clients, { name: 'raw', folder: source, init: [], onInstalled }, { signal: never });
    return Object.assign(running, { packageId });
  };

  it('has the index of a chaincode from its first call on', async () => {
    await using running = await deployed(true);
    const address = `127.0.0.1:${running.network.plan.peers[0]?.chaincodePort}`;
    using raw = new RawChaincode({ address }, (start, chaincode) => chaincode.complete(start, utf8('called')));
    await raw.register(running.packageId);
    const { user, channel } = running.clients;
    const ask = async (chaincode: string, ...args: string[]): Promise<string> =>
      textOf((await evaluate(user.peer, user.signer, { channelId: channel, chaincode, args }, { signal: never })).payload);
    expect(await ask('raw', 'call')).toBe('called');
    const explained: unknown = JSON.parse(await ask('qscc', 'ExplainQuery', channel, 'raw', '{"selector":{"owner":"tom"}}'));
    expect(explained).toMatchObject({ index: 'byOwnerDoc/byOwner', results: 0, scannedAll: false });
  });

  it('does not where it is told not to', async () => {
    await using running = await deployed(false);
    const { user, channel } = running.clients;
    const args = ['ExplainQuery', channel, 'raw', '{"selector":{}}'];
    const asked = evaluate(user.peer, user.signer, { channelId: channel, chaincode: 'qscc', args }, { signal: never });
    expect(await asked.then(() => 'answered', messageOf)).toContain('this peer answers no rich queries: selvage.richQueries is false');
  });
});
