import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { countedWork } from '../../../test/counted-work.ts';
import { textOf, utf8 } from '../../common/bytes.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import { kvContract } from './kv.contract.ts';
import { LmdbStore } from './lmdb-store.ts';

const text = async (value: MaybePromise<Uint8Array | undefined>): Promise<string> => textOf((await value) ?? utf8('absent'));

const folders: string[] = [];

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'selvage-lmdb-'));
  folders.push(made);
  return made;
}

afterEach(async () => {
  for (const made of folders.splice(0)) await rm(made, { recursive: true, force: true });
});

kvContract('lmdb', async () => new LmdbStore({ path: await folder(), durability: 'overlapping' }));

describe('lmdb key-value store on disk', () => {
  for (const durability of ['overlapping', 'synced'] as const) {
    it(`finds its content again when opened a second time (${durability})`, async () => {
      const path = await folder();
      const long = new Uint8Array(5000).fill(7);
      {
        await using store = new LmdbStore({ path, durability });
        await store.commit([
          { key: long, value: utf8('long') },
          { key: utf8('a'), value: utf8('short') },
        ]);
      }
      await using store = new LmdbStore({ path, durability });
      using snapshot = store.snapshot();
      expect(await text(snapshot.get(long))).toBe('long');
      expect(await text(snapshot.get(utf8('a')))).toBe('short');
    });
  }

  it('walks to a long key without copying it on every level', async () => {
    await using store = new LmdbStore({ path: await folder(), durability: 'overlapping' });
    const long = new Uint8Array(400_000).fill(7);
    await store.commit([{ key: long, value: utf8('far') }]);
    using snapshot = store.snapshot();
    let found: Uint8Array | undefined;
    const { copied } = await countedWork(async () => {
      using entries = snapshot.range({});
      found = (await entries.next())?.key;
    });
    expect(Buffer.compare(found ?? utf8(''), long)).toBe(0);
    expect(copied).toBeLessThan(8 * long.length);
  });

  it('refuses a file that is cut off or no store, which would crash the process', async () => {
    const path = await folder();
    {
      await using store = new LmdbStore({ path, durability: 'overlapping' });
      for (let number = 0; number < 20; number += 1) await store.commit([{ key: utf8(`k${number}`), value: new Uint8Array(9000) }]);
    }
    const file = join(path, 'data.mdb');
    const whole = await readFile(file);
    const refused = (): void =>
      expect(() => new LmdbStore({ path, durability: 'overlapping' })).toThrow(expect.objectContaining({ code: 'LEDGER_CORRUPT' }));
    for (const size of [1, 100, 4096, 5000, 8192]) {
      await writeFile(file, whole.subarray(0, size));
      refused();
    }
    await writeFile(file, Buffer.alloc(whole.length, 'damaged'));
    refused();
    await writeFile(file, whole);
    await using store = new LmdbStore({ path, durability: 'overlapping' });
    using snapshot = store.snapshot();
    expect(snapshot.get(utf8('k19'))?.length).toBe(9000);
  });

  it('opens more snapshots of one moment than lmdb has reader slots', async () => {
    await using store = new LmdbStore({ path: await folder(), durability: 'overlapping' });
    await store.commit([{ key: utf8('a'), value: utf8('1') }]);
    const snapshots = Array.from({ length: 3000 }, () => store.snapshot());
    expect(await text(snapshots.at(-1)?.get(utf8('a')))).toBe('1');
    for (const snapshot of snapshots) snapshot[Symbol.dispose]();
  });
});
