import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { compareBytes, hex, textOf, utf8 } from '../../common/bytes.ts';
import type { KvEntry, KvRange, KvSnapshot, KvStore, KvWrite } from './kv-store.ts';
import { CHUNK } from './long-keys.ts';

const put = (key: string, value: string): KvWrite => ({ key: utf8(key), value: utf8(value) });
const remove = (key: string): KvWrite => ({ key: utf8(key), value: undefined });

export async function entries(snapshot: KvSnapshot, range: KvRange): Promise<KvEntry[]> {
  using iterator = snapshot.range(range);
  const found: KvEntry[] = [];
  for (let entry = await iterator.next(); entry !== undefined; entry = await iterator.next()) found.push(entry);
  return found;
}

const text = (value: Uint8Array | undefined): string | undefined => value && textOf(value);
const texts = (found: readonly KvEntry[]): string[] => found.map(({ key, value }) => `${Buffer.from(key)}=${Buffer.from(value)}`);

/** What every KvStore promises. Each implementation's test file calls this with the real thing. */
export function kvContract(name: string, open: () => Promise<KvStore & AsyncDisposable>): void {
  describe(`${name} key-value store`, () => {
    let store: KvStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store[Symbol.asyncDispose]());

    it('reads back what was committed, and nothing else', async () => {
      await store.commit([put('a', '1'), put('b', ''), put('c', '3')]);
      await store.commit([remove('c'), put('a', '2'), remove('never')]);
      using snapshot = store.snapshot();
      expect(text(await snapshot.get(utf8('a')))).toBe('2');
      expect((await snapshot.get(utf8('b')))?.length).toBe(0);
      expect(await snapshot.get(utf8('c'))).toBeUndefined();
      expect((await snapshot.getMany(['c', 'a', 'x'].map(utf8))).map(text)).toEqual([undefined, '2', undefined]);
    });

    it('waits for the disk when it is asked to', async () => {
      await store.flushed();
      await store.commit([put('a', '1')]);
      await store.flushed();
      using snapshot = store.snapshot();
      expect(text(await snapshot.get(utf8('a')))).toBe('1');
    });

    it('lets the last of several writes to one key count', async () => {
      await store.commit([put('a', '1'), remove('a'), put('a', '3'), put('b', '1'), remove('b')]);
      using snapshot = store.snapshot();
      expect(texts(await entries(snapshot, {}))).toEqual(['a=3']);
    });

    it('shows a snapshot nothing of later commits, whichever way it is read', async () => {
      await store.commit([put('a', '1'), put('b', '1')]);
      using before = store.snapshot();
      using iterator = before.range({});
      await iterator.next();
      await store.commit([put('a', '2'), remove('b'), put('c', '2')]);
      using after = store.snapshot();
      expect(texts(await entries(before, {}))).toEqual(['a=1', 'b=1']);
      expect(await before.get(utf8('c'))).toBeUndefined();
      const next = await iterator.next();
      expect(texts(next === undefined ? [] : [next])).toEqual(['b=1']);
      expect(texts(await entries(after, {}))).toEqual(['a=2', 'c=2']);
    });

    it('commits while many snapshots are open, each of which keeps its moment', async () => {
      const snapshots: KvSnapshot[] = [];
      for (let round = 0; round < 50; round += 1) {
        await store.commit([put('k', String(round))]);
        snapshots.push(store.snapshot());
      }
      for (const [round, snapshot] of snapshots.entries()) expect(text(await snapshot.get(utf8('k')))).toBe(String(round));
      for (const snapshot of snapshots) snapshot[Symbol.dispose]();
    });

    it('sees each commit as a whole while commits run', async () => {
      await store.commit([put('a', '0'), put('z', '0')]);
      let running = true;
      const writing = (async () => {
        for (let round = 1; round <= 100; round += 1) await store.commit([put('a', String(round)), put('z', String(round))]);
        running = false;
      })();
      while (running) {
        using snapshot = store.snapshot();
        const [a, z] = [await snapshot.get(utf8('a')), await snapshot.get(utf8('z'))];
        expect(text(a)).toBe(text(z));
        await new Promise(setImmediate);
      }
      await writing;
    });

    it('hands out bytes that belong to the caller', async () => {
      await store.commit([put('a', 'one'), put('b', 'two')]);
      using snapshot = store.snapshot();
      const first = await snapshot.get(utf8('a'));
      await snapshot.get(utf8('b'));
      expect(text(first)).toBe('one');
      first?.fill(0);
      expect(text(await snapshot.get(utf8('a')))).toBe('one');
    });

    it('keeps values of a megabyte', async () => {
      const large = new Uint8Array(1_000_003).map((_, at) => at % 251);
      await store.commit([{ key: utf8('large'), value: large }, put('largf', 'x')]);
      using snapshot = store.snapshot();
      const read = await snapshot.get(utf8('large'));
      await snapshot.get(utf8('largf'));
      expect(Buffer.compare(read ?? new Uint8Array(), large)).toBe(0);
      const [entry] = await entries(snapshot, { gte: utf8('large') });
      expect(Buffer.compare(entry?.value ?? new Uint8Array(), large)).toBe(0);
    });

    it('reads thousands of keys in one call and one range', async () => {
      const keys = Array.from({ length: 3000 }, (_, at) => `key${String(at).padStart(5, '0')}`);
      await store.commit(keys.map((key) => put(key, key)));
      using snapshot = store.snapshot();
      const many = await snapshot.getMany(keys.map(utf8));
      expect(many.map(text)).toEqual(keys);
      expect(texts(await entries(snapshot, {}))).toEqual(keys.map((key) => `${key}=${key}`));
      expect(texts(await entries(snapshot, { reverse: true }))).toEqual(keys.map((key) => `${key}=${key}`).reverse());
    });

    it('refuses reads after disposal', async () => {
      await store.commit([put('a', '1')]);
      const snapshot = store.snapshot();
      const iterator = snapshot.range({});
      snapshot[Symbol.dispose]();
      snapshot[Symbol.dispose]();
      expect(() => snapshot.get(utf8('a'))).toThrow(expect.objectContaining({ code: 'LEDGER_UNAVAILABLE' }));
      expect(() => iterator.next()).toThrow(expect.objectContaining({ code: 'LEDGER_UNAVAILABLE' }));
    });

    it('refuses everything after it is closed, without a crash of what is still held', async () => {
      await store.commit([put('a', '1')]);
      const held = store.snapshot();
      const iterator = held.range({});
      await store[Symbol.asyncDispose]();
      await expect(store.commit([])).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
      expect(() => store.snapshot()).toThrow(expect.objectContaining({ code: 'LEDGER_UNAVAILABLE' }));
      held[Symbol.dispose]();
      if (name === 'lmdb') expect(() => iterator.next()).toThrow();
    });

    it('agrees with a map over keys of any length, in any order, both directions', async () => {
      const commit = fc.array(fc.tuple(keyArbitrary, fc.option(fc.uint8Array({ maxLength: 20 }), { freq: 3, nil: undefined })), {
        maxLength: 30,
      });
      const bound = fc.option(keyArbitrary, { freq: 3, nil: undefined });
      const ranges = fc.array(fc.record({ gte: bound, lt: bound, reverse: fc.boolean() }), { minLength: 1, maxLength: 6 });
      const property = fc.asyncProperty(fc.array(commit, { maxLength: 4 }), ranges, async (commits, wanted) => {
        await using fresh = await open();
        const model = new Map<string, KvEntry>();
        for (const writes of commits) {
          await fresh.commit(writes.map(([key, value]) => ({ key, value })));
          for (const [key, value] of writes) value === undefined ? model.delete(hex(key)) : model.set(hex(key), { key, value });
        }
        using snapshot = fresh.snapshot();
        for (const { key, value } of model.values()) expect(hex((await snapshot.get(key)) ?? utf8('absent'))).toBe(hex(value));
        for (const range of wanted) expect(printed(await entries(snapshot, range))).toEqual(printed(expected(model, range)));
      });
      await fc.assert(property, { numRuns: runs(60) });
    });
  });
}

const printed = (found: readonly KvEntry[]): string[] => found.map(({ key, value }) => `${hex(key)}=${hex(value)}`);

function expected(model: ReadonlyMap<string, KvEntry>, { gte, lt, reverse }: KvRange): KvEntry[] {
  const sorted = [...model.values()].sort((a, b) => compareBytes(a.key, b.key));
  const inside = sorted.filter(
    ({ key }) => (gte === undefined || compareBytes(key, gte) >= 0) && (lt === undefined || compareBytes(key, lt) < 0),
  );
  return reverse === true ? inside.reverse() : inside;
}

/** Keys that share long beginnings and end around the places where a limited store has to cut. */
const keyArbitrary: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.constantFrom(0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 1977, 1978, 1979, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 5000),
    fc.constantFrom(0x00, 0x61, 0xff),
    fc.uint8Array({ maxLength: 2 }),
    fc.boolean(),
  )
  .map(([length, fill, tail, inside]) => {
    const key = new Uint8Array(length + tail.length).fill(fill);
    key.set(tail, inside ? Math.floor(length / 2) : length);
    return key;
  });
