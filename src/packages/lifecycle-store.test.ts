import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../common/bytes.ts';
import { packageIdOf } from './lifecycle-package.ts';
import { LifecyclePackageStore } from './lifecycle-store.ts';

describe('packages of the 2.x lifecycle on disk', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-lifecycle-store-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const bytes = utf8('a package');
  const packageId = packageIdOf('my-cc_1.0+x', bytes);
  const store = () => new LifecyclePackageStore({ directory: join(folder, 'chaincodes') });

  it('are files named as Fabric names them', async () => {
    expect(await store().save({ packageId, bytes })).toBe(true);
    const [name = ''] = await readdir(join(folder, 'chaincodes'));
    expect(name).toBe(`${packageId.replace(':', '.')}.tar.gz`);
    expect(new Uint8Array(await readFile(join(folder, 'chaincodes', name)))).toEqual(bytes);
    expect(await store().list()).toEqual([packageId]);
    expect(new Uint8Array(await store().load(packageId))).toEqual(bytes);
  });

  it('are saved once', async () => {
    await store().save({ packageId, bytes });
    expect(await store().save({ packageId, bytes: utf8('other') })).toBe(false);
    expect(new Uint8Array(await store().load(packageId))).toEqual(bytes);
    expect(await readdir(join(folder, 'chaincodes'))).toHaveLength(1);
  });

  it('are none before the first, and none after the last', async () => {
    expect(await store().list()).toEqual([]);
    await store().save({ packageId, bytes });
    await store().remove(packageId);
    await store().remove(packageId);
    expect(await store().list()).toEqual([]);
    await expect(store().load(packageId)).rejects.toThrow(`chaincode install package '${packageId}' not found`);
  });

  it('are not what else is in the folder', async () => {
    await store().save({ packageId, bytes });
    for (const name of ['.unfinished-1', 'notes.txt', 'label.abc.tar.gz', `${'a'.repeat(64)}.tar.gz`])
      await writeFile(join(folder, 'chaincodes', name), 'x');
    expect(await store().list()).toEqual([packageId]);
  });

  it('cannot be looked for elsewhere', async () => {
    await writeFile(join(folder, 'secret.tar.gz'), 'x');
    for (const id of ['../secret', 'nope:00', '', `../x:${'0'.repeat(64)}`])
      await expect(store().load(id)).rejects.toThrow(`chaincode install package '${id}' not found`);
  });
});
