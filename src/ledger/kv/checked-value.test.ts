import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textOf, utf8 } from '../../common/bytes.ts';
import { LmdbStore } from './lmdb-store.ts';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'selvage-rot-'));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

/** Changes bytes in the file of a closed store, wherever they are. */
async function replace(before: string, after: string): Promise<void> {
  const file = join(path, 'data.mdb');
  const bytes = await readFile(file);
  for (let at = bytes.indexOf(before); at >= 0; at = bytes.indexOf(before, at + 1)) bytes.write(after, at);
  await writeFile(file, bytes);
}

describe.each(['overlapping', 'synced'] as const)('a store whose file has changed (%s)', (durability) => {
  const long = 'long value '.repeat(10_000);
  const written = async (): Promise<void> => {
    await using store = new LmdbStore({ path, durability });
    for (const [key, value] of [
      ['balance', 'one hundred'],
      ['long', long],
      ['other', 'untouched'],
    ])
      await store.commit([{ key: utf8(key ?? ''), value: utf8(value ?? '') }]);
  };
  const corrupt = expect.objectContaining({ code: 'LEDGER_CORRUPT' });

  it.each([
    ['a value', 'one hundred', 'two hundred', 'balance'],
    ['a key', 'balance', 'balancf', 'balancf'],
    ['a value of many pages', 'long value long', 'lang value long', 'long'],
  ])('does not answer %s that is another now', async (_, before, after, key) => {
    await written();
    await replace(before, after);
    await using store = new LmdbStore({ path, durability });
    using snapshot = store.snapshot();
    expect(() => snapshot.get(utf8(key))).toThrow(corrupt);
    expect(textOf(snapshot.get(utf8('other')) ?? utf8(''))).toBe('untouched');
    using entries = snapshot.range({});
    await expect((async () => entries.next())()).rejects.toEqual(corrupt);
  });
});
