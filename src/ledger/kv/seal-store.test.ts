import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { textOf, utf8 } from '../../common/bytes.ts';
import { sealed } from './checked-value.ts';
import { LmdbStore } from './lmdb-store.ts';
import { place } from './long-keys.ts';
import { sealStore } from './seal-store.ts';

let path: string;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'selvage-seal-'));
});
afterEach(() => rm(path, { recursive: true, force: true }));

it('gives values without checksums theirs, and leaves the others alone', async () => {
  const earlier = opened();
  for (const value of ['', 'a', 'a long value'.repeat(5_000)]) await earlier.put(place(utf8(`key ${value.length}`)).key, utf8(value));
  await earlier.close();
  for (let round = 0; round < 2; round += 1) {
    await sealStore(path);
    await using store = new LmdbStore({ path, durability: 'synced' });
    using snapshot = store.snapshot();
    for (const length of [0, 1, 60_000]) expect(textOf(snapshot.get(utf8(`key ${length}`)) ?? utf8('none'))).toHaveLength(length);
  }
});

const opened = () => open<Uint8Array, Uint8Array>({ path, encoding: 'binary', keyEncoding: 'binary', noSubdir: false, maxDbs: 1 });

it('goes through a large store a part at a time, and goes on where it was ended', async () => {
  const earlier = opened();
  await earlier.batch(() => {
    for (let at = 0; at < 5_000; at += 1) earlier.put(place(utf8(`key ${at}`)).key, utf8(`value ${at}`));
  });
  await earlier.put(place(utf8('key 7')).key, sealed(place(utf8('key 7')).key, utf8('value 7')));
  const transactions = ({ lastTxnId }: { readonly lastTxnId?: number }): number => lastTxnId ?? 0;
  const before = transactions(earlier.getStats() as object);
  await earlier.close();
  await sealStore(path);
  const now = opened();
  expect(transactions(now.getStats() as object) - before).toBeGreaterThanOrEqual(5);
  await now.close();
  await using store = new LmdbStore({ path, durability: 'synced' });
  using snapshot = store.snapshot();
  for (const at of [0, 7, 999, 1_000, 4_999]) expect(textOf(snapshot.get(utf8(`key ${at}`)) ?? utf8('none'))).toBe(`value ${at}`);
});

it('makes no store where there is none', async () => {
  await sealStore(join(path, 'absent'));
  await using store = new LmdbStore({ path, durability: 'synced' });
  using snapshot = store.snapshot();
  expect(snapshot.get(utf8('key'))).toBeUndefined();
});
