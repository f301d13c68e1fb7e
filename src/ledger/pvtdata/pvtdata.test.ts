import { describe, expect, it } from 'vitest';
import { CountedStore } from '../../../test/fakes/counted-store.ts';
import { textOf, utf8 } from '../../common/bytes.ts';
import { kvrwset, rwset } from '../../protos/messages.ts';
import { entries } from '../kv/kv.contract.ts';
import { MemoryStore } from '../kv/memory-store.ts';
import type { KeptPrivateData } from '../ledger.ts';
import { keyHash } from '../simulator/private-namespaces.ts';
import { CLOSED_INDEXED, type PrivatePurge, setKey } from './private-data-keys.ts';
import { type PrivateDataOfBlock, PrivateDataStore } from './private-data-store.ts';
import { KvTransientStore } from './transient-store.ts';

const texts = (found: readonly KeptPrivateData[]): string[] => found.map(({ rwset: set }) => textOf(set)).sort();

async function entriesUnder(kv: MemoryStore, prefix: string) {
  using snapshot = kv.snapshot();
  return await entries(snapshot, { gte: utf8(prefix), lt: utf8(`${prefix}~`) });
}

describe('transient store', () => {
  it('keeps all sets of a transaction, each once, apart from others', async () => {
    const store = new KvTransientStore(new MemoryStore());
    await store.put('tx', 5n, utf8('a'));
    await store.put('tx', 5n, utf8('a'));
    await store.put('tx', 6n, utf8('b'));
    await store.put('tx2', 5n, utf8('c'));
    expect(texts(await store.get('tx'))).toEqual(['a', 'b']);
    expect(texts(await store.get('tx2'))).toEqual(['c']);
    expect(await store.get('t')).toEqual([]);
  });

  it('gives back what was known of the collections, and reads what earlier versions kept without that', async () => {
    const kv = new MemoryStore();
    const store = new KvTransientStore(kv);
    const collectionConfigs = new Map([['cc', { config: [{ staticCollectionConfig: { name: 'c1' } }] }]]);
    await store.put('tx', 5n, utf8('a'), { endorsedAt: 4n, collectionConfigs });
    const [entry] = await store.get('tx');
    expect([entry?.rwset, entry?.endorsedAt].map(String)).toEqual(['97', '4']);
    expect(entry?.collectionConfigs.get('cc')?.config[0]?.staticCollectionConfig?.name).toBe('c1');
    const [written] = await entriesUnder(kv, 'tp');
    await kv.commit([{ key: written?.key ?? utf8(''), value: utf8('old') }]);
    expect(await store.get('tx')).toEqual([{ rwset: utf8('old'), endorsedAt: 0n, collectionConfigs: new Map() }]);
  });

  it('forgets transactions by id and by age, in every place', async () => {
    const kv = new MemoryStore();
    const store = new KvTransientStore(kv);
    for (let number = 0; number < 700; number += 1) await store.put(`tx${number % 7}`, BigInt(number), utf8(String(number)));
    await store.purge(['tx0', 'unknown'], 0n);
    expect(await store.get('tx0')).toEqual([]);
    expect((await store.get('tx1')).length).toBe(100);
    await store.purge([], 350n);
    expect((await store.get('tx1')).map(({ rwset: set }) => Number(textOf(set))).every((number) => number >= 350)).toBe(true);
    await store.purge(['tx1', 'tx2', 'tx3'], 700n);
    using snapshot = kv.snapshot();
    expect(await snapshot.range({}).next()).toBeUndefined();
  });

  it('forgets the transactions of a block in one commit', async () => {
    const kv = new CountedStore();
    const store = new KvTransientStore(kv);
    const txIds = Array.from({ length: 50 }, (_, at) => `tx${at}`);
    for (const txId of txIds) await store.put(txId, 5n, utf8(txId));
    await store.put('old', 1n, utf8('old'));
    kv.commits = 0;
    await store.purge(txIds, 2n);
    expect([kv.commits, await store.get('tx7'), await store.get('old')]).toEqual([1, [], []]);
    await store.purge(txIds, 2n);
    expect(kv.commits).toBe(1);
  });
});

describe('private data store', () => {
  it('gives back the sets of one transaction as one', async () => {
    const store = new PrivateDataStore(new MemoryStore());
    const write = (index: number, collection: string): PrivateDataOfBlock['writes'][number] => ({
      txId: 'tx',
      index,
      namespace: 'cc',
      collection,
      rwset: kvrwset.KVRWSet.encode({ writes: [{ key: `${index}${collection}`, value: utf8('v') }] }),
    });
    await store.put(7n, { writes: [write(1, 'c1'), write(1, 'c2'), write(2, 'c1')], missing: [], purges: [] });
    await store.put(8n, { writes: [], missing: [], purges: [] });
    const ofBlock = await store.ofBlock(7n);
    const [found] = ofBlock.get(1) ?? [];
    const sets = rwset.TxPvtReadWriteSet.decode(found ?? utf8('')).nsPvtRwset.flatMap(({ namespace, collectionPvtRwset }) =>
      collectionPvtRwset.map((set) => [namespace, set.collectionName, kvrwset.KVRWSet.decode(set.rwset).writes[0]?.key]),
    );
    expect(sets).toEqual([
      ['cc', 'c1', '1c1'],
      ['cc', 'c2', '1c2'],
    ]);
    expect([[...ofBlock.keys()], (await store.ofBlock(8n)).size]).toEqual([[1, 2], 0]);
  });

  it('takes all keys that a block purges out of all their sets in one commit', async () => {
    const kv = new CountedStore();
    const store = new PrivateDataStore(kv);
    const keys = Array.from({ length: 50 }, (_, at) => `key${at}`);
    const set = (index: number) => ({
      txId: `tx${index}`,
      index,
      namespace: 'cc',
      collection: 'c',
      rwset: kvrwset.KVRWSet.encode({ writes: [...keys, `stays${index}`].map((key) => ({ key, value: utf8(`${key}-${index}`) })) }),
    });
    await store.put(7n, { writes: [0, 1, 2].map(set), missing: [], purges: [] });
    const purges: PrivatePurge[] = keys.map((key, at) => ({
      namespace: 'cc',
      collection: 'c',
      keyHash: keyHash(key),
      version: { blockNum: 8n, txNum: BigInt(at) },
    }));
    await store.put(8n, { writes: [], missing: [], purges });
    kv.commits = 0;
    await store.purge(9n);
    expect(kv.commits).toBe(1);
    const left = [...(await store.ofBlock(7n)).values()]
      .flat()
      .flatMap((bytes) =>
        rwset.TxPvtReadWriteSet.decode(bytes).nsPvtRwset.flatMap(({ collectionPvtRwset: [only] }) =>
          kvrwset.KVRWSet.decode(only?.rwset ?? utf8('')).writes.map(({ key }) => key),
        ),
      );
    expect(left).toEqual(['stays0', 'stays1', 'stays2']);
    expect([await store.plainKey(purges[0] as PrivatePurge, keyHash('key3')), await store.isPurged(purges[3] as PrivatePurge)]).toEqual([
      undefined,
      true,
    ]);
    await store.purge(9n);
    expect(kv.commits).toBe(1);
  });

  it('indexes the keys of an earlier version in one commit', async () => {
    const kv = new CountedStore();
    const rwsetOf = (key: string) => kvrwset.KVRWSet.encode({ writes: [{ key, value: utf8('v') }] });
    const name = (index: number) => ({ blockNum: 7n, index, namespace: 'cc', collection: 'c' });
    await kv.commit([
      { key: CLOSED_INDEXED, value: utf8('') },
      ...Array.from({ length: 50 }, (_, index) => ({ key: setKey(name(index)), value: rwsetOf(`k${index}`) })),
    ]);
    kv.commits = 0;
    const store = new PrivateDataStore(kv);
    await store.bringUpToDate();
    expect([kv.commits, await store.plainKey(name(0), keyHash('k31'))]).toEqual([1, 'k31']);
  });
});
