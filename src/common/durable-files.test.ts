import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFolder, syncFolder } from './durable-files.ts';

describe('a folder to be made', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'selvage-folders-'));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('is its owner’s alone, as are those above it that were not there', async () => {
    await mkdir(join(root, 'open'), { mode: 0o755 });
    await makeFolder(join(root, 'open/a/b'));
    const modes = await Promise.all(['open', 'open/a', 'open/a/b'].map(async (path) => (await stat(join(root, path))).mode & 0o777));
    expect(modes).toEqual([0o755, 0o700, 0o700]);
    await makeFolder(join(root, 'open/a/b'));
    await symlink(join(root, 'open'), join(root, 'link'));
    await makeFolder(join(root, 'link'));
  });

  it('may be asked for by many at once', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, at) => makeFolder(join(root, 'many/at/once', String(at % 2)))));
    expect((await stat(join(root, 'many/at/once/1'))).isDirectory()).toBe(true);
  });

  it.each([
    ['a file', 'file', 'EEXIST'],
    ['below a file', 'file/a/b', 'ENOTDIR'],
    ['a link that leads nowhere', 'nowhere', 'EEXIST'],
  ])('is refused where there is %s', async (_, path, code) => {
    await writeFile(join(root, 'file'), '');
    await symlink('absent', join(root, 'nowhere')).catch(() => undefined); // from the run before
    await expect(makeFolder(join(root, path))).rejects.toMatchObject({ code, path: join(root, path) });
  });

  it.runIf(process.platform === 'linux')('is refused where the system makes none for anybody', async () => {
    await expect(makeFolder('/proc/selvage')).rejects.toMatchObject({ code: 'ENOENT', path: '/proc/selvage' });
    await expect(syncFolder('/proc')).rejects.toMatchObject({ code: 'EINVAL', path: '/proc' }); // of an open file Node says no path
    await expect(makeFolder('/proc/selvage/ledgers')).rejects.toMatchObject({ code: 'ENOENT', path: '/proc/selvage' });
  });
});
