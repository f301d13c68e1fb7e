import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { expect, it } from 'vitest';
import { readArchive } from './archive.ts';
import { type TarEntry, writeTar } from './tar-writer.ts';

it('writes folders, links, bytes and files that are read while they are written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'selvage-tar-'));
  try {
    const big = Buffer.alloc(3_000_001, 'abc');
    const path = join(folder, 'big');
    await writeFile(path, big);
    const entries: TarEntry[] = [
      { name: 'etc/', folder: true },
      { name: 'etc/key', content: Buffer.from('secret') },
      { name: 'big', mode: 0o755, size: big.length, open: () => createReadStream(path) },
      { name: 'sh', linkTo: 'dash' },
      { name: `${'long/'.repeat(40)}name`, content: Buffer.from('x') },
    ];
    const seen: unknown[] = [];
    const archive = extract();
    archive.on('entry', ({ name, mode, type, linkname, size }, content, next) => {
      buffer(content).then((bytes) => {
        seen.push([name, type, mode, linkname ?? bytes.length, size]);
        next();
      }, next);
    });
    const done = new Promise<void>((resolve, reject) => archive.on('finish', () => resolve()).on('error', reject));
    writeTar(entries).pipe(archive);
    await done;
    expect(seen).toEqual([
      ['etc/', 'directory', 0o755, 0, 0],
      ['etc/key', 'file', 0o644, 6, 6],
      ['big', 'file', 0o755, big.length, big.length],
      ['sh', 'symlink', 0o644, 'dash', 0],
      [`${'long/'.repeat(40)}name`, 'file', 0o644, 1, 1],
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('fails with a file that fails, or that is not as long as was said', async () => {
  const broken = (): Readable => {
    const content = new Readable({ read: () => void content.destroy(new Error('disk went away')) });
    return content;
  };
  await expect(buffer(writeTar([{ name: 'a', size: 3, open: broken }]))).rejects.toThrow('disk went away');
  await expect(buffer(writeTar([{ name: 'a', size: 3, open: () => Readable.from([Buffer.from('four')]) }]))).rejects.toThrow();
});

it('reads no further when nobody reads it', async () => {
  let open = 0;
  const endless = (): Readable => {
    open += 1;
    const content = new Readable({ read: () => void content.push(Buffer.alloc(65_536)) });
    return content.once('close', () => {
      open -= 1;
    });
  };
  const tar = writeTar([{ name: 'a', size: 1e9, open: endless }]);
  await new Promise<void>((resolve) => tar.once('data', () => resolve()));
  expect(open).toBe(1);
  tar.destroy();
  await expect.poll(() => open).toBe(0);
});

it('gives archives that packages are read from', async () => {
  const names: string[] = [];
  const bytes = gzipSync(await buffer(writeTar([{ name: 'src/a.js', content: Buffer.from('1') }])));
  await readArchive(bytes, ({ path }) => {
    names.push(path);
    return undefined;
  });
  expect(names).toEqual(['src/a.js']);
});
