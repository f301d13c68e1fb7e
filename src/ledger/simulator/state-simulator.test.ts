import { describe, expect, it } from 'vitest';
import { MemoryState } from '../../../test/fakes/memory-state.ts';
import { hex, sha256, utf8 } from '../../common/bytes.ts';
import { kvrwset, type queryresult, rwset } from '../../protos/messages.ts';
import { MemoryStore } from '../kv/memory-store.ts';
import { KvStateStore } from '../statedb/kv-state-store.ts';
import type { StateSnapshot, StateUpdate } from '../statedb/state.ts';
import { encodeMetadata } from './metadata.ts';
import { openSimulator } from './open-simulator.ts';
import { hashedNamespace, keyHash, privateNamespace, stateKeyOfHash } from './private-namespaces.ts';
import type { SimulatorParts } from './simulator-parts.ts';
import type { ResultsIterator, TxSimulator } from './tx-simulator.ts';

const version = { blockNum: 4n, txNum: 1n };
const publicValue = (key: string, value = `value of ${key}`, namespace = 'cc'): StateUpdate => ({
  namespace,
  key,
  value: { value: utf8(value), version },
});
const hashedValue = (key: string, value: string, at = version): StateUpdate => ({
  namespace: hashedNamespace('cc', 'coll'),
  key: stateKeyOfHash(keyHash(key)),
  value: { value: sha256(utf8(value)), version: at },
});
const plainValue = (key: string, value: string): StateUpdate => publicValue(key, value, privateNamespace('cc', 'coll'));
const numbered = (count: number): StateUpdate[] =>
  Array.from({ length: count }, (_, at) => publicValue(`key${String(at).padStart(3, '0')}`));

async function stateWith(...updates: readonly StateUpdate[]): Promise<MemoryState> {
  const state = new MemoryState();
  await state.commit(updates, version);
  return state;
}

const simulate = (state: MemoryState, parts: Partial<SimulatorParts> = {}): TxSimulator =>
  openSimulator({ channelId: 'mychannel', txId: 'tx1', snapshot: state.snapshot(), history: undefined, ...parts });

async function pull<T>(iterator: ResultsIterator<T>, count = Number.POSITIVE_INFINITY): Promise<T[]> {
  const pulled: T[] = [];
  while (pulled.length < count) {
    const next = await iterator.next();
    if (next === undefined) break;
    pulled.push(next);
  }
  return pulled;
}

async function recorded(simulator: TxSimulator): Promise<kvrwset.KVRWSet> {
  const { publicRwset } = await simulator.result();
  const [set] = rwset.TxReadWriteSet.decode(publicRwset).nsRwset;
  return kvrwset.KVRWSet.decode(set?.rwset ?? new Uint8Array());
}

describe('a simulation', () => {
  it('reads the committed state, never its own writes, and records the versions', async () => {
    const simulator = simulate(await stateWith(publicValue('a', '1'), publicValue('', 'of the empty key')));
    simulator.putState('cc', 'a', utf8('2'));
    simulator.putState('cc', 'b', utf8('new'));
    simulator.deleteState('cc', 'b');
    expect(await simulator.getState('cc', 'a')).toEqual(utf8('1'));
    expect(await simulator.getState('cc', 'b')).toBeUndefined();
    expect(await simulator.getStateMultiple('cc', ['', 'c'])).toEqual([utf8('of the empty key'), undefined]);
    const { reads, writes } = await recorded(simulator);
    expect(reads).toEqual([
      { key: '', version },
      { key: 'a', version },
      { key: 'b', version: undefined },
      { key: 'c', version: undefined },
    ]);
    expect(writes).toMatchObject([
      { key: 'a', isDelete: false },
      { key: 'b', isDelete: true },
    ]);
  });

  it('does not see what is committed meanwhile', async () => {
    const state = await stateWith(publicValue('a', '1'));
    await using simulator = simulate(state);
    await state.commit([publicValue('a', '2')], { blockNum: 5n, txNum: 0n });
    expect(await simulator.getState('cc', 'a')).toEqual(utf8('1'));
  });

  it('records a read where metadata are asked for, and a metadata write where they are set', async () => {
    const metadata = encodeMetadata([{ name: 'VALIDATION_PARAMETER', value: utf8('policy') }]);
    const simulator = simulate(await stateWith({ namespace: 'cc', key: 'a', value: { value: utf8('1'), version, metadata } }));
    expect(await simulator.getStateMetadata('cc', 'a')).toEqual(new Map([['VALIDATION_PARAMETER', Buffer.from('policy')]]));
    expect(await simulator.getStateMetadata('cc', 'b')).toEqual(new Map());
    simulator.setStateMetadata('cc', 'a', new Map());
    const { reads, metadataWrites } = await recorded(simulator);
    expect(reads.map(({ key }) => key)).toEqual(['a', 'b']);
    expect(metadataWrites).toEqual([{ key: 'a', entries: [] }]);
  });

  it('refuses keys that have no UTF-8 form', async () => {
    await using simulator = simulate(await stateWith());
    expect(() => simulator.getState('cc', '\ud800')).toThrow(expect.objectContaining({ code: 'SIMULATION_FAILED' }));
    expect(() => simulator.putState('cc', '\ud800', utf8('1'))).toThrow('UTF-8');
  });

  it('passes history on and records nothing', async () => {
    const changes = ['3', '2', '1'].map(
      (txId): queryresult.KeyModification => ({ txId, value: utf8(txId), timestamp: undefined, isDelete: false }),
    );
    let closed = 0;
    const history = () => {
      const left = changes.values();
      return {
        next: () => left.next().value,
        [Symbol.asyncDispose]: async () => {
          closed += 1;
        },
      };
    };
    const simulator = simulate(await stateWith(), { history, options: { totalQueryLimit: 2 } });
    expect(await pull(simulator.history('cc', 'a'))).toEqual(changes.slice(0, 2));
    expect((await simulator.result()).publicRwset).toHaveLength(0);
    expect(closed).toBe(1);
  });

  it('has Fabric texts for what a key-value state cannot do', async () => {
    const state = new KvStateStore(new MemoryStore());
    await using simulator = openSimulator({ channelId: 'mychannel', txId: 'tx1', snapshot: state.snapshot(), history: undefined });
    expect(() => simulator.query('cc', '{}')).toThrow('ExecuteQuery not supported for leveldb');
    expect(() => simulator.query('cc', '{}', { size: 1, bookmark: '' })).toThrow('ExecuteQueryWithMetadata not supported for leveldb');
    expect(() => simulator.getPrivateDataQuery('cc', 'coll', '{}')).toThrow('ExecuteQuery not supported for leveldb');
    expect(() => simulator.history('cc', 'a')).toThrow('History tracking not enabled - historyDatabase is false');
  });
});

describe('a rich query', () => {
  it('reads each result that it hands out, and no more', async () => {
    const simulator = simulate(await stateWith(...numbered(4)), { options: { totalQueryLimit: 3 } });
    const results = await pull(simulator.query('cc', 'value of'));
    expect(results.map(({ namespace, key }) => [namespace, key])).toEqual([
      ['cc', 'key000'],
      ['cc', 'key001'],
      ['cc', 'key002'],
    ]);
    const [set] = rwset.TxReadWriteSet.decode((await simulator.result()).publicRwset).nsRwset;
    const { reads, rangeQueriesInfo } = kvrwset.KVRWSet.decode(set?.rwset ?? new Uint8Array());
    expect([reads.map(({ key }) => key), rangeQueriesInfo]).toEqual([['key000', 'key001', 'key002'], []]);
  });

  it('in pages has the bookmark of the store, and belongs to a read-only simulation', async () => {
    await using simulator = simulate(await stateWith(...numbered(4)));
    const page = simulator.query('cc', 'value of', { size: 2, bookmark: 'key000' });
    expect((await pull(page)).map(({ key }) => key)).toEqual(['key001', 'key002']);
    expect(await page.bookmark()).toBe('key002');
    expect(() => simulator.putState('cc', 'a', utf8('1'))).toThrow('already performed a paginated query');
  });

  it('on a collection records nothing, and belongs to a read-only simulation', async () => {
    const simulator = simulate(await stateWith(plainValue('a', 'x1'), plainValue('b', 'y'), publicValue('c', 'x2')));
    expect(await pull(simulator.getPrivateDataQuery('cc', 'coll', 'x'))).toEqual([{ namespace: 'cc', key: 'a', value: utf8('x1') }]);
    expect(() => simulator.putState('cc', 'a', utf8('1'))).toThrow('already performed queries on pvt data');
    expect((await simulator.result()).publicRwset).toHaveLength(0);
    await using writing = simulate(await stateWith());
    writing.putState('cc', 'a', utf8('1'));
    expect(() => writing.getPrivateDataQuery('cc', 'coll', 'x')).toThrow('supported only in a read-only transaction');
  });
});

describe('a range query', () => {
  it('that saw its end records the requested end and every result', async () => {
    const simulator = simulate(await stateWith(...numbered(4)));
    const results = await pull(simulator.getStateRange('cc', 'key001', 'key003'));
    expect(results.map(({ namespace, key }) => [namespace, key])).toEqual([
      ['cc', 'key001'],
      ['cc', 'key002'],
    ]);
    const { reads, rangeQueriesInfo } = await recorded(simulator);
    expect(reads).toEqual([]);
    expect(rangeQueriesInfo).toMatchObject([{ startKey: 'key001', endKey: 'key003', itrExhausted: true }]);
    expect(rangeQueriesInfo[0]?.rawReads?.kvReads).toEqual([
      { key: 'key001', version },
      { key: 'key002', version },
    ]);
  });

  it('that was left early records the last key handed out', async () => {
    const simulator = simulate(await stateWith(...numbered(130)));
    await pull(simulator.getStateRange('cc', 'key', 'key~'), 101);
    await pull(simulator.getStateRange('cc', 'key1', ''), 2);
    simulator.getStateRange('cc', 'never', 'advanced');
    const [first, second, third] = (await recorded(simulator)).rangeQueriesInfo;
    expect(first).toMatchObject({ startKey: 'key', endKey: 'key100', itrExhausted: false, rawReads: undefined });
    expect(first?.readsMerkleHashes).toMatchObject({ maxDegree: 50, maxLevel: 1 });
    expect(second).toMatchObject({ startKey: 'key1', endKey: 'key101', itrExhausted: false });
    expect(second?.rawReads?.kvReads).toHaveLength(2);
    expect(third).toEqual({ startKey: 'never', endKey: '', itrExhausted: false, rawReads: undefined, readsMerkleHashes: undefined });
  });

  it('without results carries neither reads nor a summary', async () => {
    const simulator = simulate(await stateWith());
    expect(await pull(simulator.getStateRange('cc', '', ''))).toEqual([]);
    const { rangeQueriesInfo } = await recorded(simulator);
    expect(rangeQueriesInfo).toEqual([{ startKey: '', endKey: '', itrExhausted: true, rawReads: undefined, readsMerkleHashes: undefined }]);
  });

  it('gives a page and where the next one starts; looking there records nothing', async () => {
    const simulator = simulate(await stateWith(...numbered(25)));
    const page = simulator.getStateRange('cc', 'key', 'key~', { size: 10 });
    expect(await pull(page)).toHaveLength(10);
    expect(await page.bookmark()).toBe('key010');
    expect(await page.bookmark()).toBe('key010');
    const [range] = (await recorded(simulator)).rangeQueriesInfo;
    expect(range).toMatchObject({ endKey: 'key009', itrExhausted: false });
    expect(range?.rawReads?.kvReads).toHaveLength(10);
  });

  it('gives an empty bookmark at the end', async () => {
    const simulator = simulate(await stateWith(...numbered(12)));
    const exact = simulator.getStateRange('cc', '', '', { size: 12 });
    expect([(await pull(exact)).length, await exact.bookmark()]).toEqual([12, '']);
    const short = simulator.getStateRange('cc', 'key010', '', { size: 12 });
    expect([(await pull(short)).length, await short.bookmark()]).toEqual([2, '']);
    expect((await recorded(simulator)).rangeQueriesInfo.map(({ itrExhausted }) => itrExhausted)).toEqual([false, true]);
  });

  it('stops at the total limit without having seen the end', async () => {
    const simulator = simulate(await stateWith(...numbered(9)), { options: { totalQueryLimit: 5 } });
    expect(await pull(simulator.getStateRange('cc', '', ''))).toHaveLength(5);
    const page = simulator.getStateRange('cc', 'key001', '', { size: 7 });
    expect([(await pull(page)).length, await page.bookmark()]).toEqual([5, 'key006']);
    const [range] = (await recorded(simulator)).rangeQueriesInfo;
    expect(range).toMatchObject({ endKey: 'key004', itrExhausted: false });
  });
});

describe('private data', () => {
  it('are read with the version of their hash', async () => {
    const simulator = simulate(await stateWith(plainValue('a', 'secret'), hashedValue('a', 'secret')));
    expect(await simulator.getPrivateData('cc', 'coll', 'a')).toEqual(utf8('secret'));
    expect(await simulator.getPrivateDataHash('cc', 'coll', 'a')).toEqual(sha256(utf8('secret')));
    expect(await simulator.getPrivateData('cc', 'coll', 'nothing')).toBeUndefined();
    expect(await simulator.getPrivateDataMetadata('cc', 'coll', 'a')).toEqual(new Map());
    const { publicRwset, privateRwset } = await simulator.result();
    const set = rwset.TxReadWriteSet.decode(publicRwset).nsRwset[0]?.collectionHashedRwset[0];
    const { hashedReads } = kvrwset.HashedRWSet.decode(set?.hashedRwset ?? new Uint8Array());
    expect(hashedReads.map(({ keyHash: hash, version: at }) => [hex(hash), at])).toEqual([
      [hex(keyHash('a')), version],
      [hex(keyHash('nothing')), undefined],
    ]);
    expect(privateRwset).toBeUndefined();
  });

  it('are refused when this peer lacks them or has an older value', async () => {
    const newer = { blockNum: 5n, txNum: 0n };
    await using simulator = simulate(await stateWith(hashedValue('missing', 'x'), plainValue('old', 'x'), hashedValue('old', 'y', newer)));
    expect(() => simulator.getPrivateData('cc', 'coll', 'missing')).toThrow(
      'private data matching public hash version is not available. Public hash version = {BlockNum: 4, TxNum: 1}, Private data version = <nil>',
    );
    expect(() => simulator.getPrivateData('cc', 'coll', 'old')).toThrow(
      'Public hash version = {BlockNum: 5, TxNum: 0}, Private data version = {BlockNum: 4, TxNum: 1}',
    );
    expect(await simulator.getPrivateDataHash('cc', 'coll', 'missing')).toEqual(sha256(utf8('x')));
  });

  it('are checked the same when the state answers later', async () => {
    const snapshot = (await stateWith(plainValue('a', 'secret'), hashedValue('a', 'secret'), hashedValue('missing', 'x'))).snapshot();
    const late: StateSnapshot = {
      savepoint: undefined,
      get: async (namespace, key) => snapshot.get(namespace, key),
      getMany: async (namespace, keys) => snapshot.getMany(namespace, keys),
      range: (namespace, start, end) => snapshot.range(namespace, start, end),
      query: (namespace, query, page) => snapshot.query(namespace, query, page),
      [Symbol.dispose]: () => snapshot[Symbol.dispose](),
    };
    const simulator = openSimulator({ channelId: 'mychannel', txId: 'tx1', snapshot: late, history: undefined });
    expect(await simulator.getPrivateData('cc', 'coll', 'a')).toEqual(utf8('secret'));
    await expect(simulator.getPrivateData('cc', 'coll', 'missing')).rejects.toThrow(
      'private data matching public hash version is not available',
    );
    const [set] = rwset.TxReadWriteSet.decode((await simulator.result()).publicRwset).nsRwset;
    const { hashedReads } = kvrwset.HashedRWSet.decode(set?.collectionHashedRwset[0]?.hashedRwset ?? new Uint8Array());
    expect(hashedReads).toHaveLength(1);
  });

  it('can be ranged over, which records nothing', async () => {
    const simulator = simulate(await stateWith(plainValue('a', '1'), plainValue('b', '2'), plainValue('c', '3')));
    expect(await pull(simulator.getPrivateDataRange('cc', 'coll', 'a', 'c'))).toEqual([
      { namespace: 'cc', key: 'a', value: utf8('1') },
      { namespace: 'cc', key: 'b', value: utf8('2') },
    ]);
    expect((await simulator.result()).publicRwset).toHaveLength(0);
  });
});

describe('a simulation refuses', () => {
  const writes: readonly (readonly [string, (simulator: TxSimulator) => void])[] = [
    ['putState', (simulator) => simulator.putState('cc', 'a', utf8('1'))],
    ['deleteState', (simulator) => simulator.deleteState('cc', 'a')],
    ['setStateMetadata', (simulator) => simulator.setStateMetadata('cc', 'a', new Map())],
    ['putPrivateData', (simulator) => simulator.putPrivateData('cc', 'coll', 'a', utf8('1'))],
    ['deletePrivateData', (simulator) => simulator.deletePrivateData('cc', 'coll', 'a')],
    ['purgePrivateData', (simulator) => simulator.purgePrivateData('cc', 'coll', 'a')],
    ['setPrivateDataMetadata', (simulator) => simulator.setPrivateDataMetadata('cc', 'coll', 'a', new Map())],
  ];

  it.each(writes)('%s after a private range query, and the other way round', async (_, write) => {
    const state = await stateWith();
    await using queried = simulate(state);
    queried.getPrivateDataRange('cc', 'coll', '', '');
    expect(() => write(queried)).toThrow(
      'txid [tx1]: unsuppored transaction. Transaction has already performed queries on pvt data. Writes are not allowed',
    );
    await using written = simulate(state);
    write(written);
    expect(() => written.getPrivateDataRange('cc', 'coll', '', '')).toThrow(
      'txid [tx1]: unsuppored transaction. Queries on pvt data is supported only in a read-only transaction',
    );
  });

  it.each(writes)('%s after a paginated query, and the other way round', async (_, write) => {
    const state = await stateWith();
    await using queried = simulate(state);
    queried.getStateRange('cc', '', '', { size: 1 });
    expect(() => write(queried)).toThrow(
      'txid [tx1]: unsuppored transaction. Transaction has already performed a paginated query. Writes are not allowed',
    );
    await using written = simulate(state);
    write(written);
    expect(() => written.getStateRange('cc', '', '', { size: 1 })).toThrow(
      'txid [tx1]: unsuppored transaction. Paginated queries are supported only in a read-only transaction',
    );
    expect(await pull(written.getStateRange('cc', '', ''))).toEqual([]);
  });

  it('everything after its result, and after it was disposed', async () => {
    const state = await stateWith(...numbered(3));
    const ended = simulate(state);
    const range = ended.getStateRange('cc', '', '');
    await ended.result();
    const disposed = simulate(state);
    await disposed[Symbol.asyncDispose]();
    const over = expect.objectContaining({ code: 'SIMULATION_FAILED', message: 'this instance should not be used after calling Done()' });
    expect(() => range.next()).toThrow(over);
    expect(() => range.bookmark()).toThrow(over);
    for (const simulator of [ended, disposed]) {
      expect(() => simulator.result()).toThrow(over);
      expect(() => simulator.getState('cc', 'a')).toThrow(over);
      expect(() => simulator.getStateMultiple('cc', [])).toThrow(over);
      expect(() => simulator.getStateRange('cc', '', '')).toThrow(over);
      expect(() => simulator.getPrivateData('cc', 'coll', 'a')).toThrow(over);
      for (const [, write] of writes) expect(() => write(simulator)).toThrow(over);
    }
  });
});
