/** Packages that were made to do harm, sent to a running peer as an admin would send them. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installedPackages, installPackage } from '../../src/client/lifecycle-calls.ts';
import { install, installedChaincodes } from '../../src/client/system-calls.ts';
import type { DevClient } from '../../src/node/dev/dev-clients.ts';
import { buildDeploymentSpec } from '../../src/packages/build-package.ts';
import { buildLifecyclePackage } from '../../src/packages/lifecycle-package.ts';
import { never, type TestNetwork, testNetwork } from './network.ts';

type Entry = Partial<Header> & { readonly name: string } & { readonly content?: string };

const MANIFEST: Entry = { name: 'src/package.json', content: '{"scripts":{"start":"node index.js"}}' };

async function archive(...entries: readonly Entry[]): Promise<Uint8Array> {
  const tar = pack();
  for (const { content, ...header } of [MANIFEST, ...entries]) tar.entry(header, content ?? '');
  tar.finalize();
  return gzipSync(await buffer(tar));
}

/** The header of a file, which may claim any size. */
function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');
  block.write(name, 0);
  block.write(`${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0${octal(size, 11)}\0${octal(0, 11)}\0${' '.repeat(8)}0`, 100);
  block.write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

const MEBIBYTE = 1024 * 1024;

/** Files with nothing but zeros: a thousandth of it goes over the wire. */
function bomb(files: number, mebibytesEach: number): Uint8Array {
  const size = mebibytesEach * MEBIBYTE;
  const nothing = gzipSync(Buffer.alloc(size), { level: 1 });
  return Buffer.concat(Array.from({ length: files }, (_, file) => [gzipSync(header(`src/${file}`, size)), nothing]).flat());
}

type Hostile = readonly [what: string, make: () => Promise<Uint8Array>, text: string];

/** What no code package may be. */
const HOSTILE: readonly Hostile[] = [
  ['a name that leads out', () => archive({ name: '../../escaped.js', content: 'x' }), 'the name "../../escaped.js" is not allowed'],
  ['a name that leads out from inside', () => archive({ name: 'src/../../escaped.js', content: 'x' }), 'is not allowed'],
  ['a name with a backslash', () => archive({ name: 'src\\..\\escaped', content: 'x' }), 'is not allowed'],
  ['a name with a line break', () => archive({ name: 'src/a\nb', content: 'x' }), 'is not allowed'],
  ['a symbolic link', () => archive({ name: 'src/l', type: 'symlink', linkname: '/etc/passwd' }), '"src/l" is a symlink'],
  ['a hard link', () => archive({ name: 'src/l', type: 'link', linkname: '/etc/passwd' }), '"src/l" is a link'],
  ['a device', () => archive({ name: 'src/d', type: 'character-device', devmajor: 1, devminor: 5 }), '"src/d" is a character-device'],
  ['a pipe', () => archive({ name: 'src/p', type: 'fifo' }), '"src/p" is a fifo'],
  ['a name that comes twice', () => archive(MANIFEST), 'a name comes twice'],
  ['a file in a file', () => archive({ name: 'src/package.json/x', content: 'x' }), 'a name comes twice'],
  ['a size that no disk has', async () => gzipSync(header('src/a', 8 * 1024 * MEBIBYTE - 1)), 'is larger than'],
  ['a gibibyte of nothing', async () => bomb(9, 128), 'unpacks to more than'],
  [
    'too many files',
    async () => gzipSync(Buffer.concat(Array.from({ length: 100_001 }, (_, file) => header(`src/${file}`, 0))), { level: 1 }),
    'more than 100000 entries',
  ],
  ['an archive that is cut off', async () => (await archive()).subarray(0, 60), 'unexpected EOF'],
  ['no archive', async () => Buffer.from('no archive'), 'failure opening codepackage gzip stream: gzip: invalid header'],
];

/** What no deployment spec may bring; in a package of the 2.x lifecycle it lands inside, and without its mode. */
const HOSTILE_SPECS: readonly Hostile[] = [
  ['a name from the root', () => archive({ name: '/etc/escaped', content: 'x' }), 'illegal file detected in payload: "/etc/escaped"'],
  ['a program', () => archive({ name: 'src/x', mode: 0o4755, content: 'x' }), 'illegal file mode detected for file src/x: 4755'],
];

/** What no package of the 2.x lifecycle may be. */
const HOSTILE_PACKAGES: readonly Hostile[] = [
  ['a folder in it', () => outer({ name: 'folder/', type: 'directory' }), 'tar entry folder/ is not a regular file, type 53'],
  ['a link in it', () => outer({ name: 'metadata.json', type: 'symlink', linkname: '/etc/passwd' }), 'is not a regular file, type 50'],
  ['a gibibyte of nothing', async () => bomb(9, 128), 'unpacks to more than'],
  [
    'a label that leads out',
    () => outer({ name: 'metadata.json', content: '{"label":"../../x","type":"node"}' }),
    'did not find a code package',
  ],
];

async function outer(...entries: readonly Entry[]): Promise<Uint8Array> {
  const tar = pack();
  for (const { content, ...header } of entries) tar.entry(header, content ?? '');
  tar.finalize();
  return gzipSync(await buffer(tar));
}

/** Stores that a peer makes when it first wants to keep something. */
const STORE = /(^|[/\\])(chaincode-logs|lifecycle|lifecycle[/\\]chaincodes)$/;

/** Everything below a folder, but the logs, which may grow. */
const filesBelow = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { recursive: true })).filter((path) => !path.endsWith('.log') && !STORE.test(path)).sort();

/** Sends it; afterwards every file of the network is as it was. */
async function expectRefusal({ network, clients }: TestNetwork, text: string, send: (admin: DevClient) => Promise<unknown>): Promise<void> {
  const [admin] = clients.admins;
  if (admin === undefined) throw new Error('the network has no admin');
  const { root } = network.folders;
  const before = await filesBelow(root);
  expect(before.some((path) => path.startsWith(join('peers', 'org1')))).toBe(true);
  await expect(send(admin)).rejects.toThrow(text);
  expect(await filesBelow(root)).toEqual(before);
}

describe('a hostile package', () => {
  let network: TestNetwork;
  beforeAll(async () => {
    network = await testNetwork();
  });
  afterAll(() => network?.[Symbol.asyncDispose]());

  it.each([...HOSTILE, ...HOSTILE_SPECS])('is refused and leaves nothing: %s', async (_, make, text) => {
    const codePackage = await make();
    const spec = buildDeploymentSpec({ name: 'hostile', version: '1.0', path: 'hostile', type: 'NODE', codePackage });
    await expectRefusal(network, text, async (admin) => {
      await install(admin, spec, { signal: never });
    });
    for (const admin of network.clients.admins) expect(await installedChaincodes(admin, { signal: never })).toEqual([]);
  });
});

describe('a hostile package of the 2.x lifecycle', () => {
  let network: TestNetwork;
  beforeAll(async () => {
    network = await testNetwork({ format: 'tar.gz' });
  });
  afterAll(() => network?.[Symbol.asyncDispose]());

  const refused = async (bytes: Uint8Array, text: string): Promise<void> => {
    await expectRefusal(network, text, (admin) => installPackage(admin, bytes, { signal: never }));
    for (const admin of network.clients.admins) expect((await installedPackages(admin, { signal: never })).installedChaincodes).toEqual([]);
  };

  it.each(HOSTILE)('is refused and leaves nothing: %s', async (_, make, text) => {
    const codePackage = await make();
    await refused(await buildLifecyclePackage({ label: 'hostile', type: 'node', path: '', codePackage }), text);
  });

  it.each(HOSTILE_PACKAGES)('is refused and leaves nothing: %s', async (_, make, text) => refused(await make(), text), 120_000);
});
