import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { common } from '../../src/protos/messages.ts';
import { issue } from '../certificates.ts';
import { type Finished, RunningCommand, selvage, sourced } from './command.ts';
import { chaincodeCache, repository } from './network.ts';

const POLICY = "OR('Org1MSP.member')";

/** `alias peer=selvage`: command lines that people wrote for the stock `peer`, on a network of two organisations. */
describe('a script for peer', () => {
  let folder: string;
  let dev: RunningCommand;
  let env: Record<string, string>;
  let other: Record<string, string>;
  let cafile: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-alias-'));
    const args = ['dev', join(repository, 'chaincodes/kv-node'), '--name', 'kv', '--orgs', '2', '-P', POLICY];
    dev = new RunningCommand([...args, '--data', join(folder, 'data'), '--port-base', '0', '--json', '--no-watch'], {
      SELVAGE_CACHE: chaincodeCache,
    });
    const ready: { env: string } = JSON.parse(await dev.line((line) => line.startsWith('{"fact":"ready"')));
    [env, other] = [sourced(ready.env, 1), sourced(ready.env, 2)];
    const flags = (env['ORDERER_FLAGS'] ?? '').split(' ');
    cafile = flags[flags.indexOf('--cafile') + 1] ?? '';
    orderer = flags[flags.indexOf('-o') + 1] ?? '';
  });
  let orderer: string;

  afterAll(async () => {
    await dev?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const run = (args: readonly string[], changed: Record<string, string> = {}): Promise<Finished> =>
    selvage(args, { env: { ...env, ...changed }, cwd: folder });
  const tls = () => ['--tls', '--cafile', cafile];
  const call = (...args: readonly string[]) => ['-C', 'mychannel', '-n', 'kv', '-c', JSON.stringify({ Args: args })];
  const definition = (name: string) => ['-C', 'mychannel', '-n', name, '-v', '1', '--sequence', '1'];
  const done = { code: 0 };

  it('may leave it to the channel where the orderer is', async () => {
    const invoked = await run(['chaincode', 'invoke', ...tls(), ...call('put', 'k', 'v'), '--waitForEvent']);
    expect(invoked).toMatchObject(done);
    expect(invoked.stderr).toMatch(/^Retrieved channel \(mychannel\) orderer endpoint: \S+:\d+\n/);
    expect(await run(['lifecycle', 'chaincode', 'approveformyorg', '-o', '', ...tls(), ...definition('other')])).toMatchObject(done);
    expect((await run(['chaincode', 'query', ...call('get', 'k')])).stdout).toBe('v\n');
    const nowhere = await run(['chaincode', 'invoke', ...tls(), '-C', 'elsewhere', '-n', 'kv', '-c', '{"Args":[]}']);
    expect(nowhere).toMatchObject({ code: 1, stdout: '' });
    expect(nowhere.stderr).toContain('Error: error getting channel (elsewhere) orderer endpoint: ');
  });

  it('may have a word behind a flag that takes none, where the stock command minds none', async () => {
    const flags = ['-o', orderer, '--tls', 'true', '--cafile', cafile];
    expect(await run(['chaincode', 'invoke', ...flags, ...call('put', 'k', 'w')])).toMatchObject(done);
    const listed = await run(['channel', 'list', '--tls', 'true']);
    expect(listed.code).toBe(1);
    expect(listed.stderr).toMatch(
      /^Error: trailing args detected: \[true\]\nA flag that is on or off, like --tls, takes no word behind it/,
    );
  });

  it('may name its peers in a connection profile', async () => {
    const root = env['CORE_PEER_TLS_ROOTCERT_FILE'] ?? '';
    const peer = (url = '', path = '') => ({ url, tlsCACerts: { path } });
    const profile = (roles: unknown) => ({
      channels: { mychannel: { peers: roles } },
      peers: {
        one: peer(env['CORE_PEER_ADDRESS'], root),
        two: peer(other['CORE_PEER_ADDRESS'], other['CORE_PEER_TLS_ROOTCERT_FILE']),
      },
    });
    await writeFile(join(folder, 'one.yaml'), JSON.stringify(profile({ one: { endorsingPeer: true }, two: {} })));
    await writeFile(join(folder, 'both.yaml'), JSON.stringify(profile({ one: { endorsingPeer: true }, two: { endorsingPeer: true } })));
    const away = { CORE_PEER_ADDRESS: '127.0.0.1:1' };
    const query = ['chaincode', 'query', ...call('get', 'k')];
    expect((await run([...query, '--connectionProfile', 'one.yaml'], away)).stdout).toBe('w\n');
    const both = await run([...query, '--connectionProfile', 'both.yaml'], away);
    expect(both).toMatchObject({ code: 1, stdout: '' });
    expect(both.stderr).toContain("Error: 'query' command can only be executed against one peer. received 2");
    const nowhere = await run([...query, '--connectionProfile', 'does-not-exist.yaml']);
    expect(nowhere.stderr).toContain(
      `cannot read the connection profile ${join(folder, 'does-not-exist.yaml')}: no such file or directory`,
    );
    const invoke = ['chaincode', 'invoke', ...tls(), '--waitForEvent', ...call('put', 'k', 'x'), '--connectionProfile', 'both.yaml'];
    expect((await run(invoke, away)).stderr.match(/committed with status \(VALID\) at /g)).toHaveLength(2);
  });

  it('waits for the commit as long as it says, however long the endorsement takes', async () => {
    const slow = [...tls(), '-o', orderer, ...call('sleep', '3000')];
    for (const wait of [
      ['--waitForEvent', '--waitForEventTimeout', '2s'],
      ['--waitForEventTimeout', '1ms'],
    ])
      expect(await run(['chaincode', 'invoke', ...slow, ...wait])).toMatchObject(done);
    const hurried = await run(['chaincode', 'invoke', ...tls(), ...call('put', 'k', 'y'), '--waitForEvent', '--waitForEventTimeout', '0']);
    expect(hurried.code).toBe(1);
    expect(hurried.stderr).toContain('timed out waiting for');
  });

  it('may have collections without a policy of their own, but none with values of another type', async () => {
    const collection = { name: 'quotes', policy: POLICY, requiredPeerCount: 0, maxPeerCount: 1, blockToLive: 0, memberOnlyRead: true };
    const files = {
      'empty.json': { ...collection, endorsementPolicy: {} },
      'blank.json': { ...collection, endorsementPolicy: { signaturePolicy: '', channelConfigPolicy: '' } },
      'text.json': { ...collection, memberOnlyRead: 'true' },
    };
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify([content]));
    const check = (file: string) =>
      run(['lifecycle', 'chaincode', 'checkcommitreadiness', ...definition('x'), '--collections-config', file]);
    for (const file of ['empty.json', 'blank.json']) expect(await check(file)).toMatchObject(done);
    const text = await check('text.json');
    expect(text).toMatchObject({ code: 1, stdout: '' });
    expect(text.stderr).toContain(`${join(folder, 'text.json')}: collection quotes: memberOnlyRead is the text "true"`);
    expect(text.stderr).toContain('cannot unmarshal string into Go struct field collectionConfigJson.memberOnlyRead of type bool');
  });

  it('may name several orderers and gets bytes as Go prints them', async () => {
    const two = ['-o', `${orderer},${orderer}`, ...tls()];
    expect(await run(['chaincode', 'invoke', ...two, ...call('put', 'bytes', 'v1'), '--waitForEvent'])).toMatchObject(done);
    expect(await run(['chaincode', 'query', ...call('get', 'bytes'), '-r'])).toEqual({ code: 0, stdout: '[118 49]\n', stderr: '' });
    expect(await run(['chaincode', 'query', ...call('get', 'bytes'), '--hex=true'])).toMatchObject({ code: 0, stdout: '7631\n' });
  });

  it('sees all of a refusal', async () => {
    const answer = ['status', '404', 'nicht gefunden: ö', '{"code":1}'];
    const said = 'response: status:404 message:"nicht gefunden: ö" payload:"{\\"code\\":1}"\n';
    expect(await run(['chaincode', 'query', ...call(...answer)])).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: endorsement failure during query. ${said}`,
    });
    expect((await run(['chaincode', 'invoke', '-o', orderer, ...tls(), ...call(...answer)])).stderr).toBe(
      `Error: endorsement failure during invoke. ${said}`,
    );
  });

  it('is told which setting is wrong', async () => {
    const foreign = other['CORE_PEER_TLS_ROOTCERT_FILE'] ?? '';
    const key = join(folder, 'key.pem');
    await writeFile(key, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
    const stranger = join(folder, 'stranger.pem');
    await writeFile(stranger, (await issue({ subject: 'CN=Stranger', ca: true })).pem);
    const list = ['channel', 'list'];
    const wrong: readonly (readonly [args: readonly string[], changed: Record<string, string>, said: readonly string[]])[] = [
      [
        list,
        { CORE_PEER_TLS_ROOTCERT_FILE: foreign },
        ['CORE_PEER_TLS_ROOTCERT_FILE', foreign, 'its issuer is ', 'tlsca.org1.example.com'],
      ],
      [
        list,
        { CORE_PEER_TLS_ROOTCERT_FILE: key },
        [`${key}, which CORE_PEER_TLS_ROOTCERT_FILE names, holds no certificate but a PRIVATE KEY`],
      ],
      [
        list,
        { CORE_PEER_TLS_ROOTCERT_FILE: '' },
        ['TLS is on for the peer (CORE_PEER_TLS_ENABLED), and CORE_PEER_TLS_ROOTCERT_FILE is not set'],
      ],
      [list, { CORE_PEER_TLS_ENABLED: 'false' }, ['speaks TLS', 'set CORE_PEER_TLS_ENABLED=true and CORE_PEER_TLS_ROOTCERT_FILE']],
      [list, { CORE_PEER_TLS_ENABLED: 'yes' }, ['(CORE_PEER_TLS_ENABLED) is yes, which counts as false', 'speaks TLS']],
      [list, { CORE_PEER_TLS_SERVERHOSTOVERRIDE: 'elsewhere' }, ['CORE_PEER_TLS_SERVERHOSTOVERRIDE', 'is for ', 'DNS:localhost']],
      [list, { CORE_PEER_LOCALMSPID: 'Org1' }, ['CORE_PEER_LOCALMSPID', 'no MSP Org1']],
      [list, { CORE_PEER_ADDRESS: 'localhost' }, ['localhost is no address: CORE_PEER_ADDRESS takes HOST:PORT']],
      [
        list,
        { CORE_PEER_TLS_ROOTCERT_FILE: '/not/there' },
        ['cannot read /not/there, which CORE_PEER_TLS_ROOTCERT_FILE names: no such file'],
      ],
      [
        list,
        { CORE_PEER_TLS_CLIENTAUTHREQUIRED: 'true' },
        ['CORE_PEER_TLS_CLIENTAUTHREQUIRED is true, so CORE_PEER_TLS_CLIENTCERT_FILE and'],
      ],
      [list, { CORE_PEER_MSPCONFIGPATH: key }, [`specified path "${key}" is not a directory`]],
      [list, { CORE_PEER_MSPCONFIGPATH: '/not/there' }, ['/not/there', 'CORE_PEER_MSPCONFIGPATH', 'does not exist']],
      [
        list,
        { CORE_PEER_ADDRESS: '127.0.0.1:1', CORE_PEER_CLIENT_CONNTIMEOUT: '100ms' },
        ['Nothing listens at 127.0.0.1:1', 'CORE_PEER_ADDRESS'],
      ],
      [
        ['chaincode', 'invoke', '-o', orderer, '--tls', '--cafile', stranger, ...call('put', 'a', 'b')],
        {},
        ['--cafile', stranger, 'CN=Stranger'],
      ],
      [
        ['chaincode', 'invoke', '-o', orderer, ...call('put', 'a', 'b')],
        {},
        ['The orderer at', 'speaks TLS', 'add --tls and --cafile FILE'],
      ],
    ];
    for (const [args, changed, said] of wrong) {
      const { code, stdout, stderr } = await run(args, changed);
      expect([code, stdout], stderr).toEqual([1, '']);
      for (const each of said) expect(stderr).toContain(each);
    }
  });

  it('is told what is wrong with an endorsement policy', async () => {
    const check = (policy: string) =>
      run(['lifecycle', 'chaincode', 'checkcommitreadiness', ...definition('x'), '--signature-policy', policy]);
    const wrong = [
      ["OR('Org1MSP.Member')", 'member'],
      ["OR('Org1_MSP.member')", 'Org1_MSP'],
      ['AND(Org1MSP.member,Org2MSP.member)', 'quotes'],
      ["OR ('Org1MSP.peer' OR 'Org2MSP.peer')", 'OR'],
    ] as const;
    for (const [policy, said] of wrong) {
      const { code, stderr } = await check(policy);
      expect(code).toBe(1);
      expect(stderr).toContain(`Error: invalid policy ${policy}: `);
      expect(stderr).toContain(said);
    }
    const unknown = await check("OR('Org9MSP.member')");
    expect(unknown).toMatchObject(done);
    expect(unknown.stderr).toContain('mychannel has no organization Org9MSP');
    expect(await check('')).toMatchObject({ ...done, stderr: '' });
  });

  it('is told which of two things is not there', async () => {
    const fetch = (...args: readonly string[]) => run(['channel', 'fetch', ...args]);
    const late = await fetch('999', 'out.block', '-c', 'mychannel');
    expect(late.stderr).toMatch(
      /^Error: can't read the block: &\{NOT_FOUND\}: there is no block 999 yet, the height of channel mychannel is \d+\n/,
    );
    const ordered = await fetch('999', 'out.block', '-c', 'mychannel', '-o', orderer, ...tls());
    expect(ordered.stderr).toMatch(/no block 999 yet, the height of channel mychannel is \d+\nThe orderer at /);
    const nowhere = await fetch('newest', 'out.block', '-c', 'nosuch');
    expect(nowhere.stderr).toMatch(/^Error: can't read the block: &\{NOT_FOUND\}: the peer at \S+ has not joined channel nosuch\n/);
    const query = await run(['chaincode', 'query', '-n', 'kv', '-c', '{"Args":[]}']);
    expect(query.stderr).toBe("Error: The required parameter 'channelID' is empty. Rerun the command with -C flag\n");
    for (const { code } of [late, ordered, nowhere, query]) expect(code).toBe(1);
  });

  it('is told what a file is that is no update', async () => {
    expect(await run(['channel', 'fetch', 'config', 'config.block', '-c', 'mychannel'])).toMatchObject(done);
    const bare = common.ConfigUpdate.encode({ channelId: 'mychannel', readSet: {}, writeSet: { version: 1n } });
    await writeFile(join(folder, 'update.pb'), bare);
    await writeFile(join(folder, 'update.json'), '{"payload":{}}');
    const update = (file: string) => run(['channel', 'update', '-f', file, '-c', 'mychannel', '-o', orderer, ...tls()]);
    for (const [file, said] of [
      ['update.pb', 'update.pb: this is a ConfigUpdate without its envelope'],
      ['update.json', 'update.json: this is JSON'],
      ['config.block', 'config.block: this is a block'],
    ] as const) {
      const { code, stderr } = await update(file);
      expect(code).toBe(1);
      expect(stderr).toContain(`Error: Invalid channel create transaction : ${said}`);
    }
    expect(await readFile(join(folder, 'update.pb'))).toEqual(Buffer.from(bare));
  });
});
