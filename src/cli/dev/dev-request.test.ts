import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommandLine } from '../run-command-line.ts';

let root: string;
const before = process.env['TMPDIR'];

/** Two chaincodes of one name in a folder, the first with collections of two organisations. Temporary folders would go to `tmp`. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvage-dev-request-'));
  for (const name of ['first', 'second']) {
    await mkdir(join(root, name));
    await writeFile(join(root, name, 'package.json'), '{"name":"kv-node","dependencies":{"fabric-shim":"2.5.8"}}');
  }
  await mkdir(join(root, 'tmp'));
  const member = (org: number) => ({ name: `of${org}`, policy: `OR('Org${org}MSP.member')` });
  await writeFile(join(root, 'first', 'collections_config.json'), JSON.stringify([member(1), member(2)]));
  process.env['TMPDIR'] = join(root, 'tmp');
});
afterAll(async () => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  await rm(root, { recursive: true, force: true });
});

async function dev(...args: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCommandLine(['dev', '--port-base', '0', ...args], {
    out: (line) => void out.push(line),
    write: () => undefined,
    say: (line) => void err.push(line),
    env: {},
    cwd: root,
    signal: new AbortController().signal,
    colours: false,
    interactive: false,
  });
  return { code, out, err: err.join('\n') };
}

it.each([
  ['--orgs 21', ['first', '--orgs', '21'], '--orgs 21 is not possible'],
  ['--port-base high', ['first', '--port-base', 'high'], '--port-base high is not possible'],
  ['--block now', ['first', '--block', 'now'], '--block now is not possible'],
  ['--lifecycle 3', ['first', '--lifecycle', '3'], '--lifecycle 3 is not possible'],
  ['--replicas 0', ['first', '--replicas', '0'], '--replicas 0 is not possible'],
  ['--channel Mine', ['first', '--channel', 'Mine'], "--channel Mine: 'Mine' contains illegal characters"],
  ['one --channel twice', ['first', '--channel', 'a', '--channel', 'b', '--channel', 'a'], '--channel a is not possible'],
  ['--name of no chaincode', ['first', '--name', 'a b'], 'a b is no name that a chaincode can have'],
  ['-c that is no JSON', ['first', '-c', 'Init'], 'chaincode argument error'],
  ['-P that is no policy', ['first', '-P', 'everybody'], 'everybody'],
  ['--data that is a file', ['first', '--data', 'first/package.json'], '--data '],
  ['--user without a value', ['first', '--user', 'alice:auditor'], '"auditor" is no attribute with a value'],
  ['--user that is wrong before one that is right', ['first', '--user', 'alice:auditor', '--user', 'bob'], '"auditor" is no attribute'],
  ['--user that is there already', ['first', '--user', 'Admin:a=b'], 'Admin is taken'],
  ['--user of an organisation that is not there', ['first', '--user', 'a@org9'], '--user a@org9: this network has Org1MSP to Org2MSP'],
  ['--mutual-tls with --no-tls', ['first', '--mutual-tls', '--no-tls'], '--mutual-tls and --no-tls contradict each other'],
  ['--once with --watch', ['first', '--once', '--watch'], '--once and --watch contradict each other'],
  ['--name for two', ['first', 'b=second', '--name', 'kv'], '--name is for one chaincode, and 2 are named'],
  ['two of one name', ['first', 'second'], 'two chaincodes would be called kv-node'],
  ['--ctor without chaincode', ['--empty', '-c', '{"Args":["a"]}'], '--ctor is about a chaincode, and there is none here'],
  ['collections of others', ['first', '--orgs', '1'], 'names Org2MSP, and this network has Org1MSP'],
  ['a collections file that is none', ['first', '--collections-config', 'first/package.json'], 'first/package.json'],
  ['a folder that is not there', ['third'], 'there is no folder '],
])('refuses %s before anything starts', async (_what, args, message) => {
  const { code, out, err } = await dev(...args);
  expect(err).toContain(message);
  expect({ code, out, left: await readdir(join(root, 'tmp')) }).toEqual({ code: 2, out: [], left: [] });
});

it('lists the chaincodes below a folder that is none', async () => {
  for (const args of [[], ['.']]) {
    const { code, err } = await dev(...args);
    expect(code).toBe(2);
    expect(err).toContain('but these folders do:\n  first\n  second\n');
  }
});
