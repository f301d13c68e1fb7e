import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { compareUtf8, hex, utf8 } from '../../common/bytes.ts';
import { MemoryStore } from '../kv/memory-store.ts';
import type { StateEntry, StateSnapshot, StateStore, StateUpdate } from './state.ts';

const put = (namespace: string, key: string, value: string, blockNum = 1n): StateUpdate => ({
  namespace,
  key,
  value: { value: utf8(value), version: { blockNum, txNum: 0n } },
});

export async function stateEntries(snapshot: StateSnapshot, namespace: string, start = '', end = ''): Promise<StateEntry[]> {
  using iterator = snapshot.range(namespace, start, end);
  const found: StateEntry[] = [];
  for (let entry = await iterator.next(); entry !== undefined; entry = await iterator.next()) found.push(entry);
  return found;
}

const keysOf = (found: readonly StateEntry[]): string[] => found.map(({ key }) => key);

/** What every StateStore promises. */
export function stateContract(
  name: string,
  /** `queryFor` makes a query that finds one key and nothing else; absent for a store that has none. */
  open: () => Promise<StateStore & { readonly queryFor?: (key: string) => string }>,
): void {
  describe(`${name} state store`, () => {
    it('gives back values with version and metadata, and the savepoint', async () => {
      await using store = await open();
      const version = { blockNum: 2n ** 40n, txNum: 7n };
      const values = [
        { value: utf8('plain'), version },
        { value: utf8(''), version },
        { value: utf8('with'), version, metadata: utf8('meta') },
        { value: utf8('empty'), version, metadata: utf8('') },
      ];
      {
        using empty = store.snapshot();
        expect(empty.savepoint).toBeUndefined();
      }
      await store.commit(
        values.map((value, at) => ({ namespace: 'ns', key: `k${at}`, value })),
        version,
      );
      using snapshot = store.snapshot();
      expect(snapshot.savepoint).toEqual(version);
      for (const [at, wanted] of values.entries()) {
        const found = await snapshot.get('ns', `k${at}`);
        expect(found && hex(found.value)).toBe(hex(wanted.value));
        expect(found?.version).toEqual(version);
        expect(found?.metadata && hex(found.metadata)).toBe(wanted.metadata && hex(wanted.metadata));
      }
      expect((await snapshot.getMany('ns', ['k2', 'none', 'k0'])).map((value) => value && hex(value.value))).toEqual([
        hex(utf8('with')),
        undefined,
        hex(utf8('plain')),
      ]);
    });

    it('keeps namespaces apart', async () => {
      await using store = await open();
      await store.commit(
        ['', 'a', 'ab', 'a$$pc', 'a$$hc'].map((namespace) => put(namespace, 'k', namespace)),
        { blockNum: 1n, txNum: 0n },
      );
      using snapshot = store.snapshot();
      for (const namespace of ['', 'a', 'ab', 'a$$pc', 'a$$hc']) {
        const found = await stateEntries(snapshot, namespace);
        expect(found.map(({ value }) => hex(value))).toEqual([hex(utf8(namespace))]);
      }
      expect(await snapshot.get('b', 'k')).toBeUndefined();
    });

    it('shows a snapshot nothing of later commits', async () => {
      await using store = await open();
      await store.commit([put('ns', 'a', '1'), put('ns', 'b', '1')], { blockNum: 1n, txNum: 0n });
      using before = store.snapshot();
      await store.commit([{ namespace: 'ns', key: 'a', value: undefined }, put('ns', 'c', '2', 2n)], { blockNum: 2n, txNum: 0n });
      using after = store.snapshot();
      expect(keysOf(await stateEntries(before, 'ns'))).toEqual(['a', 'b']);
      expect(keysOf(await stateEntries(after, 'ns'))).toEqual(['b', 'c']);
      expect([before.savepoint?.blockNum, after.savepoint?.blockNum]).toEqual([1n, 2n]);
    });

    it('writes what is beside it, with itself or after itself', async () => {
      await using store = await open();
      const kv = new MemoryStore();
      await store.commit([put('ns', 'k', '1')], { blockNum: 1n, txNum: 0n }, { kv, writes: [{ key: utf8('beside'), value: utf8('2') }] });
      using snapshot = kv.snapshot();
      expect(snapshot.get(utf8('beside'))).toEqual(utf8('2'));
      const broken = { commit: async () => Promise.reject(new Error('disk')) };
      await expect(store.commit([], { blockNum: 2n, txNum: 0n }, { kv: broken, writes: [] })).rejects.toThrow('disk');
      using now = store.snapshot();
      expect(now.savepoint?.blockNum).toBe(2n);
    });

    it('answers rich queries, or refuses them in Fabric’s words', async () => {
      await using store = await open();
      await store.commit([put('ns', 'k', 'value of k'), put('ns', 'l', 'value of l')], { blockNum: 1n, txNum: 0n });
      using snapshot = store.snapshot();
      const query = store.queryFor?.('k') ?? '';
      const [plain, paged] = [() => snapshot.query('ns', query), () => snapshot.query('ns', query, { size: 1, bookmark: '' })];
      if (store.queryFor === undefined) {
        expect(plain).toThrow('ExecuteQuery not supported for leveldb');
        expect(paged).toThrow('ExecuteQueryWithMetadata not supported for leveldb');
        return;
      }
      expect((await snapshot.explain?.('ns', query))?.index ?? '_all_docs').toBe('_all_docs');
      for (const ask of [plain, paged]) {
        using results = ask();
        await store.commit([{ namespace: 'ns', key: 'k', value: undefined }], { blockNum: 2n, txNum: 0n });
        expect(await results.next()).toMatchObject({ key: 'k', version: { blockNum: 1n, txNum: 0n } });
        expect(await results.next()).toBeUndefined();
      }
    });

    it('orders keys by their UTF-8 bytes, whatever they hold', async () => {
      const key = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.constantFrom(
          '',
          '\u0000a\u0000',
          '\ufeffkey',
          '\uffff',
          '😀',
          '\ue000',
          'x'.repeat(5000),
          `\u0000type\u0000${'y'.repeat(3000)}\u0000`,
        ),
        fc.uint8Array({ minLength: 32, maxLength: 32 }).map((hash) => Buffer.from(hash).toString('latin1')),
      );
      const property = fc.asyncProperty(fc.uniqueArray(key, { maxLength: 20 }), key, key, async (keys, start, end) => {
        await using store = await open();
        await store.commit(
          keys.map((each) => put('ns', each, each)),
          { blockNum: 1n, txNum: 0n },
        );
        using snapshot = store.snapshot();
        const wanted = [...keys]
          .sort(compareUtf8)
          .filter((each) => compareUtf8(each, start) >= 0 && (end === '' || compareUtf8(each, end) < 0));
        expect(keysOf(await stateEntries(snapshot, 'ns', start, end))).toEqual(wanted);
        for (const each of keys) expect(hex((await snapshot.get('ns', each))?.value ?? utf8('absent'))).toBe(hex(utf8(each)));
      });
      await fc.assert(property, { numRuns: runs(60) });
    });
  });
}
