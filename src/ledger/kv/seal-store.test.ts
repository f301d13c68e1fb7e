import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { textOf, utf8 } from '../../common/bytes.ts';
import { LmdbStore } from './lmdb-store.ts';
import { place } from './long-keys.ts';
import { sealStore } from './seal-store.ts';

let path: string;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'selvage-seal-'));
});
afterEach(() => rm(path, { recursive: true, force: true }));

it('gives values without checksums theirs, and leaves the others alone', async () => {
  const earlier = open<Uint8Array, Uint8Array>({ path, encoding: 'binary', keyEncoding: 'binary', noSubdir: false, maxDbs: 1 });
  for (const value of ['', 'a', 'a long value'.repeat(5_000)]) await earlier.put(place(utf8(`key ${value.length}`)).key, utf8(value));
  await earlier.close();
  for (let round = 0; round < 2; round += 1) {
    await sealStore(path);
    await using store = new LmdbStore({ path, durability: 'synced' });
    using snapshot = store.snapshot();
    for (const length of [0, 1, 60_000]) expect(textOf(snapshot.get(utf8(`key ${length}`)) ?? utf8('none'))).toHaveLength(length);
  }
});

it('makes no store where there is none', async () => {
  await sealStore(join(path, 'absent'));
  await using store = new LmdbStore({ path, durability: 'synced' });
  using snapshot = store.snapshot();
  expect(snapshot.get(utf8('key'))).toBeUndefined();
});
