import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attributesOf } from '../../src/msp/material/attributes.ts';
import { plainEnvironment, RunningCommand, selvage } from './command.ts';
import { chaincodeCache, repository } from './network.ts';

const run = promisify(execFile);
const ENVIRONMENT = { SELVAGE_CACHE: chaincodeCache };
const BINARY = join(repository, 'bin', 'selvage.js');

/** What `selvage dev` makes of flags and folders, seen from outside. */
describe('selvage dev', () => {
  let root: string;
  /** With a blank in its path, which is where scripts break. */
  let folder: string;

  const kv = async (name: string): Promise<string> => {
    const place = join(folder, name);
    await cp(join(repository, 'chaincodes/kv-node'), place, { recursive: true, filter: (path) => !path.includes('node_modules') });
    return place;
  };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'selvage-dev-command-'));
    folder = join(root, 'my chaincodes');
    await mkdir(folder);
    await kv('first');
    await kv('second');
    const member = (org: number) => ({ name: `of${org}`, policy: `OR('Org${org}MSP.member')`, requiredPeerCount: 1, maxPeerCount: 1 });
    const shared = { name: 'shared', policy: "OR('Org1MSP.member', 'Org2MSP.member')", requiredPeerCount: 1, maxPeerCount: 1 };
    await writeFile(join(folder, 'first', 'collections_config.json'), JSON.stringify([member(1), member(2), shared]));
  });
  afterAll(() => rm(root, { recursive: true, force: true, maxRetries: 3 }));

  const factIn = (line: string) => JSON.parse(line);
  const told = async (dev: RunningCommand, name: string, contains = '') =>
    factIn(await dev.line((line) => line.startsWith(`{"fact":"${name}"`) && line.includes(contains)));

  it('runs several chaincodes, with collections, users and what a shell needs; what is kept moves to other ports', async () => {
    const data = join(folder, 'the data');
    const flags = ['one=first', 'two=second', '--user', 'alice:role=auditor', '-P', "AND('Org1MSP.peer','Org3MSP.peer')"];
    {
      await using dev = new RunningCommand(['dev', ...flags, '--data', data, '--port-base', '0', '--json'], ENVIRONMENT, folder);
      expect((await told(dev, 'network')).peers).toHaveLength(2); // the collections name Org2MSP
      expect(await told(dev, 'collections')).toMatchObject({ chaincode: 'one', collections: ['of1', 'of2', 'shared'] });
      expect((await told(dev, 'policy')).problem).toMatch(
        /nobody here can meet AND.*: it names Org3MSP, and this network has Org1MSP, Org2MSP$/,
      );
      await dev.interrupt();
    }
    await rm(data, { recursive: true });
    const running = ['one=first', 'two=second', '--user', 'alice:role=auditor', '-P', "AND('Org1MSP.peer','Org2MSP.peer')"];
    let orderer: string;
    {
      await using dev = new RunningCommand(['dev', ...running, '--data', data, '--port-base', '0', '--json'], ENVIRONMENT, folder);
      orderer = (await told(dev, 'network')).orderer;
      expect((await told(dev, 'chaincode', '"name":"one"')).did).toBe('committed');
      expect((await told(dev, 'chaincode', '"name":"two"')).did).toBe('committed');
      const { envs } = await told(dev, 'ready');
      expect(envs.map(({ identity }: { readonly identity: string }) => identity)).toEqual([
        'Admin@org1.example.com',
        'Admin@org2.example.com',
        'alice@org1.example.com',
      ]);
      const certificate =
        'organizations/peerOrganizations/org1.example.com/users/alice@org1.example.com/msp/signcerts/alice@org1.example.com-cert.pem';
      expect(attributesOf(await readFile(join(data, certificate), 'utf8'))).toEqual({
        'hf.Affiliation': '',
        'hf.EnrollmentID': 'alice',
        'hf.Type': 'client',
        role: 'auditor',
      });
      expect(await invoked(envs[0].file, 'one', 'put', 'a', '1')).toMatch(/committed with status \(VALID\)/);
      expect(await invoked(envs[2].file, 'one', 'call', 'two', '', 'put', 'b', '2')).toMatch(/committed with status \(VALID\)/);
      expect(await invoked(envs[0].file, 'one', 'pput', 'of1', 'secret', 's')).toMatch(/committed with status \(VALID\)/);
      expect(await invoked(envs[0].file, 'one', 'pput', 'shared', 'known', 'k')).toMatch(/committed with status \(VALID\)/);
      expect(await queried(envs[1].file, 'one', 'pget', 'shared', 'known')).toBe('k\n');
      expect(await queried(envs[1].file, 'one', 'get', 'a')).toBe('1\n');
      expect(await queried(envs[0].file, 'one', 'pget', 'of1', 'secret')).toBe('s\n');
    }
    {
      await using dev = new RunningCommand(['dev', ...running, '--data', data, '--port-base', '26050', '--json'], ENVIRONMENT, folder);
      expect(await told(dev, 'network')).toMatchObject({ orderer: 'localhost:26050', peers: [{}, {}] });
      expect(orderer).not.toBe('localhost:26050');
      expect((await told(dev, 'chaincode', '"name":"one"')).did).toBe('nothing');
      const { env } = await told(dev, 'ready');
      expect(await queried(env, 'one', 'get', 'a')).toBe('1\n');
      expect(await invoked(env, 'one', 'put', 'a', '2')).toMatch(/committed with status \(VALID\)/);
      const other = await selvage(['dev', '--empty', '--port-base', '26050'], { cwd: folder });
      expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/26050[\s\S]*Choose other ports by --port-base/) });
    }
  });

  it('tells what chaincode prints, that it ended by itself, and that it works again', async () => {
    const noisy = await kv('noisy');
    const operations = await readFile(join(noisy, 'lib/operations.js'), 'utf8');
    const added = "\n  noise: async () => { console.log('a line of its own'); return ''; },\n  leave: async () => process.exit(7),\n";
    await writeFile(join(noisy, 'lib/operations.js'), operations.replace('module.exports = {', `module.exports = {${added}`));
    await using dev = new RunningCommand(['dev', noisy, '--port-base', '0', '--no-tls'], ENVIRONMENT, folder);
    const env = (await dev.line((line) => line.includes('env.sh'))).trim().replace(/^\. /, '');
    expect(await queried(env, 'kv-node', 'noise')).toBe('\n');
    await dev.line((line) => line === 'kv-node │ a line of its own');
    await expect(queried(env, 'kv-node', 'leave')).rejects.toThrow();
    await dev.line((line) => /^✗ exited +kv-node exited with 7/.test(line));
    expect(await queried(env, 'kv-node', 'noise')).toBe('\n');
    await dev.line((line) => /^✓ chaincode +kv-node works again$/.test(line));
  });

  /** What somebody does who pastes what was printed into a script that has arguments of its own. */
  const shell = async (env: string, command: string): Promise<string> => {
    const script = `set -- 2 of its own; . '${env}' || exit; selvage() { '${process.execPath}' '${BINARY}' "$@"; }; ${command} 2>&1`;
    return (await run('/bin/sh', ['-c', script], { env: plainEnvironment() })).stdout;
  };
  const call = (name: string, args: readonly string[]): string => `-C mychannel -n ${name} -c '${JSON.stringify({ Args: args })}'`;
  const invoked = (env: string, name: string, ...args: readonly string[]) =>
    shell(env, `selvage chaincode invoke $ORDERER_FLAGS $PEER_FLAGS --waitForEvent ${call(name, args)}`);
  const queried = (env: string, name: string, ...args: readonly string[]) => shell(env, `selvage chaincode query ${call(name, args)}`);
});
