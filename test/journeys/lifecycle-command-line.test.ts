import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, RunningCommand, selvage, sourced } from './command.ts';
import { chaincodeCache, repository } from './network.ts';

/** What two administrators do with the 2.x lifecycle, each command a process, on a network that `selvage dev` runs in another. */
describe('the lifecycle commands', () => {
  let folder: string;
  let dev: RunningCommand;
  let orgs: readonly Record<string, string>[];
  let orderer: string[];
  let bothPeers: string[];
  let packageId: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-lifecycle-'));
    await cp(join(repository, 'chaincodes/kv-node'), join(folder, 'kv'), {
      recursive: true,
      filter: (path) => !path.includes('node_modules'),
    });
    await cp(join(folder, 'kv'), join(folder, 'kv2'), { recursive: true });
    await writeFile(join(folder, 'kv2', 'lib', 'edited.js'), '// another package\n');
    const args = ['dev', '--empty', '--lifecycle', '2', '--orgs', '2', '--data', join(folder, 'data'), '--port-base', '0', '--json'];
    dev = new RunningCommand(args, { SELVAGE_CACHE: chaincodeCache }, folder);
    const ready: { readonly envs: readonly { readonly file: string }[] } = JSON.parse(
      await dev.line((line) => line.startsWith('{"fact":"ready"')),
    );
    orgs = ready.envs.map(({ file }) => sourced(file));
    orderer = (orgs[0]?.['ORDERER_FLAGS'] ?? '').split(' ');
    bothPeers = orgs.flatMap((env) => [
      ...['--peerAddresses', env['CORE_PEER_ADDRESS'] ?? ''],
      ...['--tlsRootCertFiles', env['CORE_PEER_TLS_ROOTCERT_FILE'] ?? ''],
    ]);
  });

  afterAll(async () => {
    await dev?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** As the Admin of organisation 1 or 2. */
  const run = (org: 1 | 2, ...args: string[]): Promise<Finished> => selvage(args, { env: orgs[org - 1] ?? {}, cwd: folder });
  const chaincode = (org: 1 | 2, ...args: string[]) => run(org, 'lifecycle', 'chaincode', ...args);
  const json = async (org: 1 | 2, ...args: string[]) => JSON.parse((await chaincode(org, ...args, '--output', 'json')).stdout);
  const definition = (sequence: number, ...more: string[]) => [
    '-C',
    'mychannel',
    '-n',
    'kv',
    '-v',
    `${sequence}.0`,
    '--sequence',
    String(sequence),
    ...more,
  ];
  const approve = (org: 1 | 2, ...args: string[]) => chaincode(org, 'approveformyorg', ...orderer, ...args);
  const commit = (org: 1 | 2, ...args: string[]) => chaincode(org, 'commit', ...orderer, ...args);
  const query = async (org: 1 | 2, ...args: string[]) =>
    (await run(org, 'chaincode', 'query', '-C', 'mychannel', '-n', 'kv', '-c', JSON.stringify({ Args: args }))).stdout;
  const invoke = (args: readonly string[], ...flags: string[]) =>
    run(
      1,
      'chaincode',
      'invoke',
      ...orderer,
      ...bothPeers,
      '-C',
      'mychannel',
      '-n',
      'kv',
      '-c',
      JSON.stringify({ Args: args }),
      '--waitForEvent',
      ...flags,
    );
  const done = { code: 0, stdout: '' };
  /** The first peer builds the package, unless it was built on this machine before, and shows that. */
  const withoutBuild = (stderr: string): string => stderr.replaceAll(/^ {2}build │.*\n/gm, '');

  it('make a package, the same each time, and install it on both peers', async () => {
    expect(await chaincode(1, 'package', 'kv.tar.gz', '--path', 'kv', '--lang', 'node', '--label', 'kv_1.0')).toMatchObject(done);
    expect(await chaincode(2, 'package', 'again.tar.gz', '--path', 'kv', '--label', 'kv_1.0')).toMatchObject(done);
    expect(await readFile(join(folder, 'again.tar.gz'))).toEqual(await readFile(join(folder, 'kv.tar.gz')));
    packageId = (await chaincode(1, 'calculatepackageid', 'kv.tar.gz')).stdout.trim();
    expect(packageId).toMatch(/^kv_1\.0:[0-9a-f]{64}$/);
    expect((await chaincode(1, 'queryinstalled')).stdout).toBe('Installed chaincodes on peer:\n');
    for (const org of [1, 2] as const) {
      const { code, stderr } = await chaincode(org, 'install', 'kv.tar.gz');
      expect({ code, said: withoutBuild(stderr) }).toEqual({ code: 0, said: `Chaincode code package identifier: ${packageId}\n` });
    }
    expect((await chaincode(1, 'queryinstalled')).stdout).toBe(`Installed chaincodes on peer:\nPackage ID: ${packageId}, Label: kv_1.0\n`);
    expect(await json(2, 'queryinstalled')).toEqual({ installed_chaincodes: [{ package_id: packageId, label: 'kv_1.0' }] });
  });

  it('say so when it is installed already, and give it back as it was', async () => {
    const again = await chaincode(1, 'install', 'kv.tar.gz');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('Error: chaincode install failed with status: 500 - ');
    expect(again.stderr).toContain(`chaincode already successfully installed (package ID '${packageId}')`);
    expect(await chaincode(1, 'getinstalledpackage', '--package-id', packageId, '--output-directory', 'data')).toMatchObject(done);
    expect(await readFile(join(folder, 'data', `${packageId}.tar.gz`))).toEqual(await readFile(join(folder, 'kv.tar.gz')));
    const other = await chaincode(1, 'getinstalledpackage', '--package-id', 'kv_1.0:00');
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toContain(
      "proposal failed with status: 500 - failed to invoke backing implementation of 'GetInstalledChaincodePackage'",
    );
    expect((await readdir(folder)).filter((name) => name.startsWith('kv_1.0'))).toEqual([]);
  });

  it('commit nothing before both organisations agree', async () => {
    const early = await commit(1, ...bothPeers, ...definition(1));
    expect(early).toMatchObject({ code: 1, stdout: '' });
    expect(early.stderr).toContain('chaincode definition not agreed to by this org (Org');
    const { code, stdout, stderr } = await approve(1, ...definition(1), '--package-id', packageId);
    expect({ code, stdout }).toEqual(done);
    expect(stderr).toMatch(/^txid \[[0-9a-f]{64}\] committed with status \(VALID\) at localhost:\d+\n$/);
    expect((await chaincode(1, 'checkcommitreadiness', ...definition(1))).stdout).toBe(
      "Chaincode definition for chaincode 'kv', version '1.0', sequence '1' on channel 'mychannel' approval status by org:\nOrg1MSP: true\nOrg2MSP: false\n",
    );
    expect(await json(1, 'checkcommitreadiness', ...definition(1))).toEqual({ approvals: { Org1MSP: true, Org2MSP: false } });
    const half = await commit(1, ...bothPeers, ...definition(1));
    expect(half.code).toBe(1);
    expect(half.stderr).toContain('chaincode definition not agreed to by this org (Org2MSP)');
    const none = await chaincode(1, 'querycommitted', '-C', 'mychannel', '-n', 'kv');
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain('Error: query failed with status: 404 - namespace kv is not defined');
  });

  it('tell approvals of another definition from those of this one', async () => {
    expect(await approve(2, ...definition(1), '--init-required')).toMatchObject(done);
    const { stdout } = await chaincode(2, 'checkcommitreadiness', ...definition(1), '--inspect');
    expect(stdout).toMatch(/\nOrg1MSP: true\nOrg2MSP: false/);
    expect(await json(2, 'checkcommitreadiness', ...definition(1), '--init-required')).toEqual({
      approvals: { Org1MSP: false, Org2MSP: true },
    });
    expect(await approve(2, ...definition(1), '--package-id', packageId)).toMatchObject(done);
  });

  it('commit what both approved, and tell of it', async () => {
    const { code, stderr } = await commit(1, ...bothPeers, ...definition(1));
    expect(code).toBe(0);
    expect(stderr.match(/^txid \[[0-9a-f]{64}\] committed with status \(VALID\) at localhost:\d+$/gm)).toHaveLength(2);
    const text = 'Version: 1.0, Sequence: 1, Endorsement Plugin: escc, Validation Plugin: vscc';
    expect((await chaincode(2, 'querycommitted', '-C', 'mychannel', '-n', 'kv')).stdout).toBe(
      `Committed chaincode definition for chaincode 'kv' on channel 'mychannel':\n${text}, Approvals: [Org1MSP: true, Org2MSP: true]\n`,
    );
    expect((await chaincode(1, 'querycommitted', '-C', 'mychannel')).stdout).toBe(
      `Committed chaincode definitions on channel 'mychannel':\nName: kv, ${text}\n`,
    );
    expect(await json(1, 'querycommitted', '-C', 'mychannel')).toMatchObject({ chaincode_definitions: [{ name: 'kv', sequence: 1 }] });
    expect(await json(1, 'querycommitted', '-C', 'mychannel', '-n', 'kv')).toMatchObject({
      version: '1.0',
      validation_parameter: 'EiAvQ2hhbm5lbC9BcHBsaWNhdGlvbi9FbmRvcnNlbWVudA==',
      approvals: { Org1MSP: true, Org2MSP: true },
    });
    expect((await chaincode(2, 'queryapproved', '-C', 'mychannel', '-n', 'kv')).stdout).toBe(
      `Approved chaincode definition for chaincode 'kv' on channel 'mychannel':\nsequence: 1, version: 1.0, init-required: false, package-id: ${packageId}, endorsement plugin: escc, validation plugin: vscc\n`,
    );
    expect(await json(1, 'queryapproved', '-C', 'mychannel', '-n', 'kv', '--sequence', '1')).toMatchObject({
      source: { Type: { LocalPackage: { package_id: packageId } } },
    });
    expect(await json(1, 'queryinstalled')).toMatchObject({
      installed_chaincodes: [{ references: { mychannel: { chaincodes: [{ name: 'kv', version: '1.0' }] } } }],
    });
  });

  it('make the chaincode answer', async () => {
    expect(await invoke(['put', 'a', '1'])).toMatchObject({ code: 0 });
    expect(await query(1, 'get', 'a')).toBe('1\n');
    expect(await query(2, 'get', 'a')).toBe('1\n');
  });

  it('change the definition: policy, collections and Init, without waiting', async () => {
    await writeFile(
      join(folder, 'collections.json'),
      JSON.stringify([{ name: 'secret', policy: "OR('Org1MSP.member','Org2MSP.member')" }]),
    );
    const changed = definition(
      2,
      '--init-required',
      '--signature-policy',
      "AND('Org1MSP.peer','Org2MSP.peer')",
      '--collections-config',
      'collections.json',
    );
    for (const org of [1, 2] as const) expect(await approve(org, ...changed, '--package-id', packageId)).toMatchObject(done);
    expect(await commit(2, ...bothPeers, ...changed, '--waitForEvent=false')).toEqual({ code: 0, stdout: '', stderr: '' });
    while ((await json(1, 'querycommitted', '-C', 'mychannel', '-n', 'kv')).sequence !== 2);
    expect(await json(1, 'querycommitted', '-C', 'mychannel', '-n', 'kv')).toMatchObject({
      init_required: true,
      collections: { config: [{ Payload: { StaticCollectionConfig: { name: 'secret', maximum_peer_count: 1 } } }] },
    });
    const early = await invoke(['put', 'a', '2']);
    expect(early.code).toBe(1);
    expect(early.stderr).toContain('has not been initialized for this version, must call as init first');
    expect(await invoke(['init'], '--isInit')).toMatchObject({ code: 0 });
    expect(await invoke(['put', 'a', '2'])).toMatchObject({ code: 0 });
    expect(await query(2, 'get', 'a')).toBe('2\n');
    const stale = await approve(1, ...definition(2, '--collections-config', 'collections.json'), '--package-id', packageId);
    expect(stale.code).toBe(1);
    expect(stale.stderr).toContain('attempted to redefine the current committed sequence (2) for namespace kv with different parameters');
  });

  it('bring another package for the same definition', async () => {
    await chaincode(1, 'package', 'kv2.tar.gz', '--path', 'kv2', '--label', 'kv_2');
    const id = (await chaincode(1, 'calculatepackageid', 'kv2.tar.gz', '-O', 'json')).stdout;
    const { package_id: other }: { package_id: string } = JSON.parse(id);
    expect(await chaincode(1, 'install', 'kv2.tar.gz')).toMatchObject({ code: 0 });
    const same = definition(
      2,
      '--init-required',
      '--signature-policy',
      "AND('Org1MSP.peer','Org2MSP.peer')",
      '--collections-config',
      'collections.json',
    );
    expect(await approve(1, ...same, '--package-id', other)).toMatchObject(done);
    expect(await json(1, 'queryapproved', '-C', 'mychannel', '-n', 'kv')).toMatchObject({
      sequence: 2,
      source: { Type: { LocalPackage: { package_id: other } } },
    });
    expect(await query(1, 'get', 'a')).toBe('2\n');
    expect(await invoke(['put', 'a', '3'])).toMatchObject({ code: 0 });
  });

  it('say in one sentence what is wrong with what they are given', async () => {
    const collections = ['--collections-config', 'collections.json'];
    const wrong: readonly (readonly [args: readonly string[], message: string])[] = [
      [['install', 'collections.json'], 'could not parse as a chaincode install package'],
      [['querycommitted', '-C', 'elsewhere'], 'elsewhere'],
      [['approveformyorg', ...orderer, '-C', 'mychannel', '-n', '_kv', '-v', '1', '--sequence', '1'], "invalid chaincode name '_kv'"],
      [
        ['approveformyorg', ...orderer, ...definition(7, ...collections)],
        'requested sequence 7 is larger than the next available sequence number 3',
      ],
      [
        ['commit', ...orderer, ...bothPeers, ...definition(1, ...collections)],
        'requested sequence is 1, but new definition must be sequence 3',
      ],
      [['queryapproved', '-C', 'mychannel', '-n', 'nobody'], "could not fetch approved chaincode definition (name: 'nobody'"],
      [
        ['queryinstalled', '--connectionProfile', 'data/organizations/peerOrganizations/org1.example.com/connection-org1.json'],
        '--targetPeer must be specified',
      ],
    ];
    for (const [args, message] of wrong) {
      const { code, stdout, stderr } = await chaincode(1, ...args);
      expect([code, stdout], stderr).toEqual([1, '']);
      expect(stderr).toMatch(/^Error: [^\n]+\n/);
      expect(stderr).toContain(message);
    }
  });

  it('find peers in a connection profile', async () => {
    const profile = ['--connectionProfile', 'data/organizations/peerOrganizations/org1.example.com/connection-org1.json'];
    const named = await chaincode(1, 'queryinstalled', ...profile, '--targetPeer', 'peer0.org1.example.com');
    expect(named.stdout).toContain(packageId);
    const two = await chaincode(1, 'querycommitted', '-C', 'mychannel', ...profile);
    expect(two.stderr).toContain("Error: 'querycommitted' command supports one peer. 2 peers provided");
  });
});
