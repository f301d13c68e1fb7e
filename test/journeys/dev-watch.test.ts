import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OrdererClient } from '../../src/client/orderer-client.ts';
import { PeerClient } from '../../src/client/peer-client.ts';
import { createProposal } from '../../src/client/proposal.ts';
import { assembleTransaction } from '../../src/client/transaction.ts';
import { loadSigner } from '../../src/node/membership.ts';
import { RunningCommand, selvage } from './command.ts';
import { chaincodeCache, never, repository } from './network.ts';

/** `selvage dev --watch` on a copy of a sample that is then edited. */
describe.each([
  { lifecycle: '1', edited: { version: '2' }, mended: { version: '4' } },
  { lifecycle: '2', edited: { version: '1.0', sequence: 1 }, mended: { version: '1.0', sequence: 1 } },
])('selvage dev --lifecycle $lifecycle while its chaincode is edited', ({ lifecycle, edited, mended }) => {
  let folder: string;
  let source: string;
  let dev: RunningCommand;
  let env: Record<string, string>;
  let flags: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-watch-'));
    source = join(folder, 'kv');
    await cp(join(repository, 'chaincodes/kv-node'), source, { recursive: true, filter: (path) => !path.includes('node_modules') });
    const data = ['--data', join(folder, 'data'), '--port-base', '0', '--no-tls'];
    const args = ['dev', source, '--name', 'kv', '--lifecycle', lifecycle, ...data, '--watch', '--json'];
    dev = new RunningCommand(args, { SELVAGE_CACHE: chaincodeCache });
    const network = JSON.parse(await dev.line((line) => line.startsWith('{"fact":"network"')));
    const ready = JSON.parse(await dev.line((line) => line.startsWith('{"fact":"ready"')));
    env = {
      CORE_PEER_ADDRESS: network.peers[0].address,
      CORE_PEER_LOCALMSPID: 'Org1MSP',
      CORE_PEER_MSPCONFIGPATH: join(ready.organizations, 'peerOrganizations/org1.example.com/users/User1@org1.example.com/msp'),
    };
    flags = ['-C', 'mychannel', '-n', 'kv', '-o', network.orderer, '--waitForEvent'];
  });

  afterAll(async () => {
    await dev?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const query = async (...args: string[]) =>
    (await selvage(['chaincode', 'query', '-C', 'mychannel', '-n', 'kv', '-c', JSON.stringify({ Args: args })], { env })).stdout;
  const invoke = (...args: string[]) => selvage(['chaincode', 'invoke', ...flags, '-c', JSON.stringify({ Args: args })], { env });
  const edit = async (change: (text: string) => string): Promise<void> => {
    const file = join(source, 'index.js');
    await writeFile(file, change(await readFile(file, 'utf8')));
  };
  /** The line of that number that starts so. */
  const told = (start: string, number = 1): Promise<string> => {
    let count = 0;
    return dev.line((line) => line.startsWith(start) && ++count === number);
  };

  it('upgrades it and keeps the world state', async () => {
    await invoke('put', 'a', '1');
    await edit((text) => `${text}\n// edited\n`);
    expect(JSON.parse(await told('{"fact":"changed"'))).toMatchObject({ ...edited, did: 'upgraded', code: 'VALID' });
    expect(await query('get', 'a')).toBe('1\n');
  });

  it('says in one line why an upgrade failed, keeps the version that works, and takes the next edit', async () => {
    await edit((text) => `throw new Error('broken on purpose');\n${text}`);
    const problem = JSON.parse(await told('{"fact":"chaincode","problem"'));
    expect(problem.problem).toMatch(/^not upgraded: [^\n]*Error: broken on purpose$/);
    const advice = /^The chaincode ended before it registered with the peer\. Its last output says why[^\n]+$/;
    expect(problem.advice ?? '').toMatch(lifecycle === '2' ? advice : /^$/); // with 1.x the peer answers a call by a text alone
    expect(await query('get', 'a')).toBe('1\n');
    await edit((text) => text.replace(/^throw.*\n/, ''));
    expect(JSON.parse(await told('{"fact":"unchanged"'))).toMatchObject({ name: 'kv' });
    await edit((text) => `// mended\n${text}`);
    expect(JSON.parse(await told('{"fact":"changed"', 2))).toMatchObject({ ...mended, code: 'VALID' });
  });

  it('says in one line why a transaction was invalidated', async () => {
    using peer = new PeerClient({ address: env['CORE_PEER_ADDRESS'] ?? '' });
    using orderer = new OrdererClient({ address: flags[flags.indexOf('-o') + 1] ?? '' });
    const signer = await loadSigner(env['CORE_PEER_MSPCONFIGPATH'] ?? '', 'Org1MSP');
    const endorsed = async (value: string) => {
      const proposal = await createProposal(signer, { channelId: 'mychannel', chaincode: 'kv', args: ['incr', 'a', value] });
      return assembleTransaction(signer, proposal, [await peer.endorse(proposal.signed, { signal: never })]);
    };
    for (const transaction of [await endorsed('2'), await endorsed('3')]) await orderer.broadcast(transaction, { signal: never });
    const problem = JSON.parse(await told('{"fact":"invalid"'));
    expect(problem).toMatchObject({ code: 'MVCC_READ_CONFLICT', channel: 'mychannel', details: { key: 'a' } });
    expect(problem.problem).toMatch(/^[0-9a-f]{12}… in block \d+, MVCC_READ_CONFLICT: key "a" of kv was read at [^\n]+; it came after /);
    expect(problem.winner).toMatch(/^incr of kv, by \S+@org1\.example\.com \(Org1MSP\), in [0-9a-f]{12}… at \d+:\d+$/);
    await explainedLater(problem);
  });

  /** The same by commands that ask a peer for blocks alone, as they would any peer of Fabric. */
  async function explainedLater({ txId, problem }: { readonly txId: string; readonly problem: string }): Promise<void> {
    const { code, stdout } = await selvage(['why', txId, '--json'], { env });
    const explained = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(explained).toMatchObject({ code: 'MVCC_READ_CONFLICT', channelId: 'mychannel', doubts: [], winner: { call: { fn: 'incr' } } });
    expect(problem).toContain(`: ${explained.reason}; it came after incr of kv`);
    expect(problem).toContain(` in ${explained.winner.call.txId.slice(0, 12)}… at `);
    const profile = join(folder, 'profile.json');
    const { CORE_PEER_ADDRESS: address, ...identity } = env;
    await writeFile(profile, JSON.stringify({ peers: { one: { url: `grpc://${address}` } } }));
    const asked = ['--connectionProfile', profile, '-C', 'mychannel'];
    const sum = await selvage(['conflicts', ...asked], { env: { ...identity, CORE_PEER_ADDRESS: '127.0.0.1:1' } });
    expect(sum.stdout).toMatch(/^mychannel, blocks 0 to \d+: [\s\S]*"a" of kv: lost by incr of kv to incr of kv\n[\s\S]*delta keys/);
    expect(await selvage(['why', 'f'.repeat(64), ...asked], { env: identity })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Error: there is no transaction f{64} on channel mychannel\n[^\n]+\n$/),
    });
    expect((await selvage(['conflicts', '--from', '999', ...asked], { env: identity })).code).toBe(2);
  }
});
