import { lstat, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { parsePackage } from '../chaincode-package.ts';
import { type ArchiveEntry, readArchive } from './archive.ts';
import { unpackArchive } from './unpack.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-archive-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

type Entry = Parameters<ReturnType<typeof pack>['entry']>[0] & { readonly content?: string };

async function archiveOf(...entries: readonly Entry[]): Promise<Uint8Array> {
  const archive = pack();
  for (const { content, ...header } of entries) archive.entry(header, content ?? '');
  archive.finalize();
  return gzipSync(await buffer(archive));
}

const refusal = async (bytes: Uint8Array, options: Parameters<typeof unpackArchive>[2] = {}) => {
  const failure: unknown = await unpackArchive(bytes, join(directory, 'out'), options).catch((thrown: unknown) => thrown);
  expect(failure).toMatchObject({ code: 'CHAINCODE_PACKAGE_INVALID' });
  return failure instanceof Error ? failure.message : '';
};

describe('unpacking a code package', () => {
  it('writes its files, with no more of their modes than "executable"', async () => {
    await unpackArchive(
      await archiveOf(
        { name: 'src/', type: 'directory' },
        { name: 'src/a.js', content: 'a', mode: 0o4666 },
        { name: '/src/bin/run', content: 'b', mode: 0o777 },
        { name: './META-INF/x.json', content: '' },
      ),
      directory,
    );
    expect((await readdir(directory, { recursive: true })).sort()).toEqual([
      'META-INF',
      'META-INF/x.json',
      'src',
      'src/a.js',
      'src/bin',
      'src/bin/run',
    ]);
    expect(await readFile(join(directory, 'src/bin/run'), 'utf8')).toBe('b');
    expect((await stat(join(directory, 'src/a.js'))).mode & 0o7111).toBe(0);
    expect((await stat(join(directory, 'src/bin/run'))).mode & 0o7100).toBe(0o100);
  });

  it('never leaves its folder', async () => {
    for (const name of [
      '../evil',
      'src/../../evil',
      '//etc/evil',
      'src//x',
      'src/..',
      'src\\..\\evil',
      'src/a\nb',
      `src/${'x'.repeat(300)}`,
    ]) {
      expect(await refusal(await archiveOf({ name, content: 'x' })), name).toMatch(/is not allowed/);
    }
    await expect(lstat(join(directory, 'evil'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await refusal(await archiveOf({ name: `src/${'long/'.repeat(300)}x`, content: 'x' }))).toMatch(/longer than 1024 bytes/);
  });

  it('takes no links and no devices', async () => {
    for (const type of ['symlink', 'link', 'character-device', 'fifo'] as const) {
      const archive = await archiveOf({ name: 'src/x', type, linkname: '/etc/passwd' });
      expect(await refusal(archive), type).toMatch(`"src/x" is a ${type}`);
    }
  });

  it('keeps its bounds while it inflates', async () => {
    const zeros = await archiveOf({ name: 'src/zeros', content: '\0'.repeat(8_000_000) });
    expect(zeros.length).toBeLessThan(20_000);
    expect(await refusal(zeros, { limits: { totalBytes: 1_000_000 } })).toMatch('unpacks to more than 1000000 bytes');
    expect(await refusal(zeros, { limits: { fileBytes: 1_000_000 } })).toMatch('larger than 1000000 bytes');
    const many = await archiveOf({ name: 'src/a' }, { name: 'src/b' }, { name: 'src/c' });
    expect(await refusal(many, { limits: { entries: 2 } })).toMatch('more than 2 entries');
  });

  it('does not replace a file that came before', async () => {
    expect(await refusal(await archiveOf({ name: 'src/a', content: '1' }, { name: 'src/a', content: '2' }))).toMatch('comes twice');
    expect(await refusal(await archiveOf({ name: 'src/a', content: '1' }, { name: 'src/a/b', content: '2' }))).toMatch('comes twice');
  });

  it('says what is wrong with what is no archive', async () => {
    expect(await refusal(Buffer.from('plain text'))).toMatch(/^failure opening codepackage gzip stream: /);
    expect(await refusal(gzipSync(Buffer.alloc(2_000, 'x')))).toMatch(/^the code package is no tar archive: /);
    const whole = await archiveOf({ name: 'src/a', content: 'content '.repeat(10_000) });
    expect(await refusal(whole.subarray(0, whole.length - 20))).toMatch(/^failure opening codepackage gzip stream: /);
    expect(await refusal(whole.subarray(0, 5))).toBe('failure opening codepackage gzip stream: unexpected EOF');
    expect(await refusal(new Uint8Array())).toBe('failure opening codepackage gzip stream: EOF');
  });

  it('stops when its caller leaves, with every file closed', async () => {
    const left = new Error('caller left');
    const controller = new AbortController();
    const bytes = await archiveOf({ name: 'src/a', content: 'x'.repeat(3_000_000) }, { name: 'src/b', content: 'x' });
    let open = 0;
    const reading = readArchive(
      bytes,
      () => {
        open += 1;
        return { write: () => controller.abort(left), close: () => (open -= 1) };
      },
      { signal: controller.signal },
    );
    await expect(reading).rejects.toBe(left);
    expect(open).toBe(0);
  });
});

describe.skipIf(!fixtures)('recorded code packages', () => {
  it('are read entry by entry', async () => {
    const seen: ArchiveEntry[] = [];
    const { deploymentSpec } = parsePackage(readFixture('v1.1/packages/kvnode-1.0.cds.pak'));
    await readArchive(deploymentSpec.codePackage, (entry) => void seen.push(entry));
    expect(seen.map(({ path, mode }) => [path, mode & 0o777])).toEqual([
      ['src/kv.js', 0o644],
      ['src/package.json', 0o644],
    ]);
  });
});
