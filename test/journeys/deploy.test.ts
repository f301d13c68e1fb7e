import { randomUUID } from 'node:crypto';
import { appendFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, RunningCommand, selvage, sourced } from './command.ts';
import { chaincodeCache, repository } from './network.ts';

/** `selvage deploy` as two organisations use it, together and each by itself, on a network that `selvage dev` runs in another process. */
describe('selvage deploy', () => {
  let folder: string;
  let dev: RunningCommand;
  let envs: readonly string[];
  let profiles: readonly string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-deploy-'));
    const sources = { recursive: true, filter: (path: string) => !path.includes('node_modules') };
    await cp(join(repository, 'chaincodes/kv-node'), join(folder, 'kv'), sources);
    await cp(join(folder, 'kv'), join(folder, 'elsewhere', 'kv'), sources);
    const args = ['dev', '--empty', '--orgs', '2', '--data', join(folder, 'data'), '--port-base', '0', '--json'];
    dev = new RunningCommand(args, { SELVAGE_CACHE: chaincodeCache }, folder);
    const ready: { readonly envs: readonly { readonly file: string }[]; readonly clients: readonly { readonly json: string }[] } =
      JSON.parse(await dev.line((line) => line.startsWith('{"fact":"ready"')));
    envs = ready.envs.map(({ file }) => file);
    profiles = ['org1', 'org2'].map((org) =>
      join(folder, 'data', 'organizations', 'peerOrganizations', `${org}.example.com`, `connection-${org}.json`),
    );
  });

  afterAll(async () => {
    await dev?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const deploy = (files: readonly string[], ...args: string[]): Promise<Finished> =>
    selvage(['deploy', '-C', 'mychannel', ...args, ...files.flatMap((file) => ['--org', file])], { cwd: folder });
  const committed = async (name: string) => {
    const args = ['lifecycle', 'chaincode', 'querycommitted', '-C', 'mychannel', '-n', name, '--output', 'json'];
    const { stdout } = await selvage(args, { env: sourced(envs[0] ?? ''), cwd: folder });
    return stdout === '' ? undefined : JSON.parse(stdout);
  };

  it('changes nothing with --dry-run', async () => {
    const { code, stdout } = await deploy(envs, 'kv', '--dry-run');
    expect([code, await committed('kv-node')]).toEqual([0, undefined]);
    expect(stdout).toMatch(/install {4}on localhost:\d+, localhost:\d+\n {2}approve {4}sequence 1 for Org1MSP, Org2MSP\n/);
  });

  it('puts a chaincode on the channel, and then finds nothing to do, wherever the sources lie', async () => {
    const first = await deploy(envs, 'kv');
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/kv-node is on mychannel: version 1\.0, sequence 1\.\n$/) });
    const again = await deploy(envs, join(folder, 'elsewhere', 'kv'));
    expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/sequence 1\. Nothing had to be done\.\n$/) });
    const args = ['chaincode', 'query', '-C', 'mychannel', '-n', 'kv-node', '-c', '{"Args":["get","absent"]}'];
    expect(await selvage(args, { env: sourced(envs[0] ?? '') })).toMatchObject({ code: 0 });
  });

  it('makes one sequence more of an edit, as organisations approve it one by one', async () => {
    await appendFile(join(folder, 'kv', 'index.js'), '\n// edited\n');
    const one = await deploy(envs.slice(0, 1), 'kv');
    expect(one).toMatchObject({ code: 0, stdout: expect.stringContaining('sequence 2, version 2.0: Org1MSP runs another package') });
    expect(one.stdout).toContain('kv-node waits for others: sequence 2, version 2.0 is approved by Org1MSP, of 2 that are needed.');
    expect(await committed('kv-node')).toMatchObject({ sequence: 1 });
    const other = await deploy(envs.slice(1), 'kv'); // finds the other one's peer by discovery
    expect(other).toMatchObject({ code: 0, stdout: expect.stringMatching(/kv-node is on mychannel: version 2\.0, sequence 2\.\n$/) });
    expect(await committed('kv-node')).toMatchObject({ sequence: 2, version: '2.0' });
    expect((await deploy(profiles, 'kv')).stdout).toMatch(/Nothing had to be done/);
  });

  it('shows what the peers of this machine build meanwhile', async () => {
    const typed = join(folder, 'typed');
    await cp(join(repository, 'chaincodes/kv-ts'), typed, { recursive: true, filter: (path) => !/node_modules|dist/.test(path) });
    await appendFile(join(typed, 'src', 'operations.ts'), `\n// ${randomUUID()}, which no build before this one has\n`);
    const { code, stderr } = await deploy(envs, 'typed');
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^ {2}build │ compiling the sources …\n(?:.*\n)* {2}build │ build finished after /m),
    ]);
  }, 240_000);

  it('says in what the approval of another organisation differs', async () => {
    await deploy(envs.slice(0, 1), 'kv', '--signature-policy', "OR('Org1MSP.peer')");
    const { stdout } = await deploy(envs.slice(1), 'kv', '--init-required', '--signature-policy', "OR('Org1MSP.peer')");
    expect(stdout).toContain('Org1MSP has not approved it: its own approval differs in Init becomes required');
  });

  it('calls Init, also where that failed the first time', async () => {
    await cp(join(folder, 'kv'), join(folder, 'needs-init'), { recursive: true });
    const refusing =
      "const { put } = exports;\nexports.put = (stub, args) => (args[0] === 'no' ? Promise.reject(new Error('not so')) : put(stub, args));";
    await appendFile(join(folder, 'needs-init', 'lib', 'operations.js'), `\n${refusing.replaceAll('exports', 'module.exports')}\n`);
    const failing = await deploy(envs, 'needs-init', '-n', 'other', '-c', '{"Args":["init","no","x"]}');
    expect([failing.code, failing.stderr, (await committed('other')).sequence]).toEqual([1, expect.stringContaining('not so'), 1]);
    const wanted = ['needs-init', '-n', 'other', '-c', '{"Args":["put","begun","yes"]}'];
    const { code, stdout } = await deploy(envs, ...wanted);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Init       "put" "begun" "yes"')]);
    const args = ['chaincode', 'query', '-C', 'mychannel', '-n', 'other', '-c', '{"Args":["get","begun"]}'];
    expect((await selvage(args, { env: sourced(envs[0] ?? '') })).stdout).toBe('yes\n');
    expect((await deploy(envs, ...wanted)).stdout).toMatch(/Nothing had to be done/);
  });

  it.each([
    ['no folder', ['nowhere'], 'there is no folder and no package'],
    ['a folder above chaincode', ['elsewhere'], 'holds no chaincode itself, but these folders do:\n  elsewhere/kv\nName the one'],
    ['an unknown channel', ['kv', '-C', 'nochannel'], "channel 'nochannel' not found"],
    ['a label for a package', ['data/network.json', '--label', 'x'], '--label is for sources'],
    ['a name that none can have', ['kv', '-n', 'a b'], 'a b is no name that a chaincode can have'],
    ['two policies', ['kv', '--signature-policy', "OR('Org1MSP.peer')", '--channel-config-policy', 'x'], 'cannot specify both'],
  ])('refuses %s before anything is sent', async (_what, args, message) => {
    const { code, stderr } = await deploy(envs.slice(0, 1), ...args);
    expect([code, stderr]).toEqual([expect.any(Number), expect.stringContaining(message)]);
    expect(code).not.toBe(0);
  });

  it('refuses an organisation twice, and a profile without its key', async () => {
    const [env = '', profile = ''] = [envs[0], profiles[0]];
    expect((await deploy([env, profile], 'kv')).stderr).toContain('Org1MSP is named twice by --org');
    const keyless = join(folder, 'keyless.json');
    await writeFile(keyless, JSON.stringify({ client: { organization: 'a' }, organizations: { a: { mspid: 'AMSP', peers: [] } } }));
    expect((await deploy([keyless], 'kv')).stderr).toContain('holds no key of an Admin of AMSP');
  });
});
