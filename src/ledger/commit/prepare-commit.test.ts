import { describe, expect, it } from 'vitest';
import { MemoryState } from '../../../test/fakes/memory-state.ts';
import { hex, sha256, utf8 } from '../../common/bytes.ts';
import { common, kvrwset, protos, rwset } from '../../protos/messages.ts';
import { decodeMetadata } from '../simulator/metadata.ts';
import { openSimulator } from '../simulator/open-simulator.ts';
import { hashedNamespace, keyHash, privateNamespace, stateKeyOfHash } from '../simulator/private-namespaces.ts';
import type { TxSimulator } from '../simulator/tx-simulator.ts';
import { prepareCommit, replayUpdates } from './prepare-commit.ts';
import { blockOf, commit, configTransaction, endorsed, otherTransaction, simulated } from './test-block.contract.ts';

const { VALID, MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT, INVALID_OTHER_REASON, NIL_TXACTION, BAD_PAYLOAD } = protos.TxValidationCode;

const put = (key: string, value: string) => (simulator: TxSimulator) => simulator.putState('cc', key, utf8(value));
const del = (key: string) => (simulator: TxSimulator) => simulator.deleteState('cc', key);
const setMetadata = (key: string, value: string) => (simulator: TxSimulator) =>
  simulator.setStateMetadata('cc', key, new Map(value === '' ? [] : [['n', utf8(value)]]));
const get = (key: string) => (simulator: TxSimulator) => simulator.getState('cc', key);
const both =
  (...works: readonly ((simulator: TxSimulator) => unknown)[]) =>
  async (simulator: TxSimulator) => {
    for (const work of works) await work(simulator);
  };

/** Simulates each work on the state of now and commits them together. */
async function commitWorks(state: MemoryState, number: bigint, works: readonly ((simulator: TxSimulator) => unknown)[]) {
  const results = await Promise.all(works.map((work) => simulated(state, work)));
  return commit(
    state,
    number,
    results.map(({ publicRwset }, at) => endorsed(`tx${number}.${at}`, publicRwset)),
  );
}

const stored = (state: MemoryState, key: string, namespace = 'cc') => {
  const found = state.contents().get(namespace)?.get(key);
  if (found === undefined) return undefined;
  return [Buffer.from(found.value).toString(), `${found.version.blockNum}:${found.version.txNum}`, metadataText(found.metadata)];
};
const metadataText = (metadata: Uint8Array | undefined) =>
  [...decodeMetadata(metadata)].map(([name, value]) => `${name}=${Buffer.from(value)}`).join();

describe('a read', () => {
  it('holds while the version is the same', async () => {
    const state = new MemoryState();
    await commitWorks(state, 1n, [put('a', '1')]);
    const { flags, reasons } = await commitWorks(state, 2n, [both(get('a'), get('absent'), put('b', '1'))]);
    expect([...flags]).toEqual([VALID]);
    expect(reasons).toEqual([]);
  });

  it('reads few other blocks to name who wrote what was read too early', async () => {
    const state = new MemoryState();
    const keys = Array.from({ length: 30 }, (_, at) => `k${at}`);
    for (const [at, key] of keys.entries()) await commitWorks(state, BigInt(at), [put(key, 'old')]);
    const reads = await Promise.all(keys.map((key) => simulated(state, both(get(key), put(`${key}x`, 'new')))));
    for (const [at, key] of keys.entries()) await commitWorks(state, BigInt(30 + at), [put(key, 'newer')]);
    const asked = new Set<bigint>();
    const transactions = reads.map(({ publicRwset }, at) => endorsed(`late${at}`, publicRwset));
    const { flags } = await commit(state, 60n, transactions, { txIdAt: ({ blockNum }) => void asked.add(blockNum) as undefined });
    expect(new Set(flags)).toEqual(new Set([MVCC_READ_CONFLICT]));
    expect(asked.size).toBe(8);
  });

  it('is stale once a later block wrote, deleted or made the key', async () => {
    const state = new MemoryState();
    await commitWorks(state, 1n, [both(put('a', '1'), put('b', '1'))]);
    const readers = await Promise.all(['a', 'b', 'c'].map((key) => simulated(state, get(key))));
    await commitWorks(state, 2n, [both(put('a', '1'), del('b'), put('c', '1'))]);
    const transactions = readers.map(({ publicRwset }, at) => endorsed(`r${at}`, publicRwset));
    const { flags, reasons } = await commit(state, 3n, transactions, { txIdAt: ({ blockNum, txNum }) => `at ${blockNum}:${txNum}` });
    expect([...flags]).toEqual([MVCC_READ_CONFLICT, MVCC_READ_CONFLICT, MVCC_READ_CONFLICT]);
    expect(reasons.map(({ txId, index, details }) => ({ txId, index, ...details }))).toEqual([
      { txId: 'r0', index: 0, namespace: 'cc', key: 'a', versionRead: '1:0', versionFound: '2:0', writtenBy: 'at 2:0' },
      { txId: 'r1', index: 1, namespace: 'cc', key: 'b', versionRead: '1:0', versionFound: 'none' },
      { txId: 'r2', index: 2, namespace: 'cc', key: 'c', versionRead: 'none', versionFound: '2:0', writtenBy: 'at 2:0' },
    ]);
  });

  it('is stale once an earlier transaction of the block touched the key, if that one is valid', async () => {
    const state = new MemoryState();
    await commitWorks(state, 1n, [put('a', '1')]);
    const { flags, reasons } = await commitWorks(state, 2n, [
      both(get('a'), put('a', '2')),
      both(get('a'), put('b', '2')),
      both(get('b'), put('c', '2')),
      put('a', 'blind'),
      del('nothing'),
      get('nothing'),
    ]);
    expect([...flags]).toEqual([VALID, MVCC_READ_CONFLICT, VALID, VALID, VALID, MVCC_READ_CONFLICT]);
    expect(reasons[0]?.details).toMatchObject({ key: 'a', versionRead: '1:0', versionFound: '2:0', writtenBy: 'tx2.0' });
    expect(reasons[1]?.details).toMatchObject({ key: 'nothing', versionFound: 'none', writtenBy: 'tx2.4' });
    expect([stored(state, 'a'), stored(state, 'b')]).toEqual([['blind', '2:3', ''], undefined]);
  });

  it('of private data is checked by its hash', async () => {
    const state = new MemoryState();
    const write = (value: string) => (simulator: TxSimulator) => simulator.putPrivateData('cc', 'coll', 'k', utf8(value));
    await commitWorks(state, 1n, [write('1')]);
    const read = (simulator: TxSimulator) => simulator.getPrivateDataHash('cc', 'coll', 'k');
    expect([...(await commitWorks(state, 2n, [read])).flags]).toEqual([VALID]);
    const { flags, reasons } = await commitWorks(state, 3n, [write('2'), read]);
    expect([...flags]).toEqual([VALID, MVCC_READ_CONFLICT]);
    expect(reasons[0]?.details).toEqual({
      namespace: 'cc',
      collection: 'coll',
      keyHash: hex(keyHash('k')),
      versionRead: '1:0',
      versionFound: '3:0',
      writtenBy: 'tx3.0',
    });
  });
});

describe('a write', () => {
  it('keeps metadata it does not write, and metadata alone raise the version', async () => {
    const state = new MemoryState();
    await commitWorks(state, 1n, [both(put('a', '1'), setMetadata('a', 'm1'), put('b', '1'))]);
    expect(stored(state, 'a')).toEqual(['1', '1:0', 'n=m1']);
    await commitWorks(state, 2n, [put('a', '2'), setMetadata('b', 'm2')]);
    expect([stored(state, 'a'), stored(state, 'b')]).toEqual([
      ['2', '2:0', 'n=m1'],
      ['1', '2:1', 'n=m2'],
    ]);
    await commitWorks(state, 3n, [setMetadata('a', ''), put('b', '3'), setMetadata('b', 'm3')]);
    expect([stored(state, 'a'), stored(state, 'b')]).toEqual([
      ['2', '3:0', ''],
      ['3', '3:2', 'n=m3'],
    ]);
  });

  it('drops metadata with a delete, and ignores metadata of a key that is not there', async () => {
    const state = new MemoryState();
    await commitWorks(state, 1n, [both(put('a', '1'), setMetadata('a', 'm')), setMetadata('absent', 'm')]);
    expect(stored(state, 'absent')).toBeUndefined();
    const { flags } = await commitWorks(state, 2n, [del('a'), setMetadata('a', 'm2')]);
    expect([...flags]).toEqual([VALID, VALID]);
    expect(stored(state, 'a')).toBeUndefined();
    await commitWorks(state, 3n, [put('a', '3')]);
    expect(stored(state, 'a')).toEqual(['3', '3:0', '']);
  });

  it('after a delete in the same block starts without metadata', async () => {
    const state = new MemoryState();
    await commitWorks(state, 1n, [both(put('a', '1'), setMetadata('a', 'm'))]);
    await commitWorks(state, 2n, [both(del('a'), setMetadata('a', 'x')), put('a', '2')]);
    expect(stored(state, 'a')).toEqual(['2', '2:1', '']);
  });

  it('goes into the history, deletes included, but not metadata nor private data', async () => {
    const state = new MemoryState();
    const { historyWrites } = await commitWorks(state, 7n, [
      both(put('a', '1'), del('b'), setMetadata('c', 'm'), (simulator) => simulator.putPrivateData('cc', 'coll', 'k', utf8('v'))),
    ]);
    const version = { blockNum: 7n, txNum: 0n };
    expect(historyWrites).toEqual([
      { namespace: 'cc', key: 'a', version, txId: 'tx7.0', timestamp: undefined, isDelete: false, value: Buffer.from('1') },
      { namespace: 'cc', key: 'b', version, txId: 'tx7.0', timestamp: undefined, isDelete: true, value: new Uint8Array() },
    ]);
  });
});

describe('private writes', () => {
  const secret = (value: string) => (simulator: TxSimulator) => simulator.putPrivateData('cc', 'coll', 'k', utf8(value));
  const plain = (state: MemoryState) => stored(state, 'k', privateNamespace('cc', 'coll'));
  const hashed = (state: MemoryState) =>
    state
      .contents()
      .get(hashedNamespace('cc', 'coll'))
      ?.get(stateKeyOfHash(keyHash('k')));

  async function commitPrivate(
    state: MemoryState,
    number: bigint,
    work: (simulator: TxSimulator) => unknown,
    candidates: readonly Uint8Array[] = [],
  ) {
    const { publicRwset, privateRwset } = await simulated(state, work);
    const atHand = [...candidates, ...(privateRwset === undefined ? [] : [privateRwset])];
    return commit(state, number, [endorsed('tx', publicRwset)], { privateData: new Map([[0, atHand]]) });
  }

  it('join the state beside their hashes when they match', async () => {
    const state = new MemoryState();
    const other = await simulated(state, secret('something else'));
    const prepared = await commitPrivate(state, 1n, secret('1'), [utf8('no protobuf'), other.privateRwset ?? new Uint8Array()]);
    expect(plain(state)).toEqual(['1', '1:0', '']);
    expect(hashed(state)).toMatchObject({ value: Buffer.from(sha256(utf8('1'))), version: { blockNum: 1n, txNum: 0n } });
    expect(prepared.missingPrivateData).toEqual([]);
    const set = kvrwset.KVRWSet.decode(prepared.privateWrites[0]?.rwset ?? new Uint8Array());
    expect(set).toMatchObject({ writes: [{ key: 'k' }] });
    await using simulator = openSimulator({ channelId: 'c', txId: 't', snapshot: state.snapshot(), history: undefined });
    expect(await simulator.getPrivateData('cc', 'coll', 'k')).toEqual(Buffer.from('1'));
  });

  it('are reported missing when none at hand matches; the hashes stand', async () => {
    const state = new MemoryState();
    const { publicRwset } = await simulated(state, secret('1'));
    const other = await simulated(state, secret('2'));
    const prepared = await commit(state, 1n, [endorsed('tx', publicRwset)], {
      privateData: new Map([[0, [other.privateRwset ?? new Uint8Array()]]]),
    });
    expect(prepared.missingPrivateData).toEqual([{ txId: 'tx', index: 0, eligible: true, namespace: 'cc', collection: 'coll' }]);
    expect(prepared.privateWrites).toEqual([]);
    expect(plain(state)).toBeUndefined();
    expect(hashed(state)).toBeDefined();
  });

  it('are deleted and purged on both sides', async () => {
    for (const end of ['deletePrivateData', 'purgePrivateData'] as const) {
      const state = new MemoryState();
      await commitPrivate(state, 1n, secret('1'));
      const { privatePurges } = await commitPrivate(state, 2n, (simulator) => simulator[end]('cc', 'coll', 'k'));
      expect([plain(state), hashed(state)]).toEqual([undefined, undefined]);
      const purge = { namespace: 'cc', collection: 'coll', keyHash: Buffer.from(keyHash('k')), version: { blockNum: 2n, txNum: 0n } };
      expect(privatePurges).toEqual(end === 'purgePrivateData' ? [purge] : []);
    }
  });

  it('take the version of their hash when only metadata were written', async () => {
    const state = new MemoryState();
    await commitPrivate(state, 1n, secret('1'));
    await commitPrivate(state, 2n, (simulator) => simulator.setPrivateDataMetadata('cc', 'coll', 'k', new Map([['n', utf8('m')]])));
    expect(plain(state)).toEqual(['1', '2:0', '']);
    expect(metadataText(hashed(state)?.metadata)).toBe('n=m');
  });

  it('stay outdated when they are not what the hash says', async () => {
    const state = new MemoryState();
    await commitPrivate(state, 1n, secret('1'));
    const { publicRwset } = await simulated(state, secret('2'));
    await commit(state, 2n, [endorsed('tx', publicRwset)]);
    await commitPrivate(state, 3n, (simulator) => simulator.setPrivateDataMetadata('cc', 'coll', 'k', new Map([['n', utf8('m')]])));
    expect(plain(state)).toEqual(['1', '1:0', '']);
  });
});

describe('a block', () => {
  it('with a configuration keeps its bytes in the empty namespace, out of history and commit hash', async () => {
    const state = new MemoryState();
    const config = common.ConfigEnvelope.encode({ config: { sequence: 3n } });
    const prepared = await commit(state, 0n, [configTransaction(config)]);
    expect(Buffer.from(state.contents().get('')?.get('CHANNEL_CONFIG_ENV_BYTES')?.value ?? [])).toEqual(Buffer.from(config));
    expect(prepared.historyWrites).toEqual([]);
    expect(prepared.updateBytes).toHaveLength(0);
  });

  it('does not change the flags it was given, and leaves alone what was already invalid', async () => {
    const state = new MemoryState();
    const { publicRwset } = await simulated(state, put('a', '1'));
    const flags = Uint8Array.of(BAD_PAYLOAD, VALID);
    using snapshot = state.snapshot();
    const block = blockOf(1n, [endorsed('x', publicRwset), endorsed('y', utf8('\u0007broken'))]);
    const prepared = await prepareCommit({ block, flags, snapshot });
    expect([...prepared.flags]).toEqual([BAD_PAYLOAD, INVALID_OTHER_REASON]);
    expect([...flags]).toEqual([BAD_PAYLOAD, VALID]);
    expect(prepared.updates).toEqual([]);
  });

  it('marks what cannot be read, whatever it is', async () => {
    const state = new MemoryState();
    const inNamespace = (set: rwset.NsReadWriteSetInit) => endorsed('tx', rwset.TxReadWriteSet.encode({ nsRwset: [set] }));
    const noAction = otherTransaction(common.HeaderType.ENDORSER_TRANSACTION, protos.Transaction.encode({}));
    const summary = { maxDegree: 1, maxLevel: 1, maxLevelHashes: [new Uint8Array(32)] };
    const range = kvrwset.KVRWSet.encode({ rangeQueriesInfo: [{ itrExhausted: true, readsMerkleHashes: summary }] });
    const { flags, reasons, updates } = await commit(state, 1n, [
      utf8('no envelope'),
      noAction,
      endorsed('tx', utf8('\u0007')),
      inNamespace({ namespace: 'cc', rwset: utf8('\u0007') }),
      inNamespace({ namespace: 'cc', collectionHashedRwset: [{ collectionName: 'c', hashedRwset: utf8('\u0007') }] }),
      inNamespace({ namespace: 'cc', rwset: range }),
      configTransaction(new Uint8Array()),
      otherTransaction(common.HeaderType.MESSAGE),
      endorsed('empty', new Uint8Array()),
    ]);
    const other = INVALID_OTHER_REASON;
    expect([...flags]).toEqual([other, NIL_TXACTION, other, other, other, other, other, VALID, VALID]);
    expect(reasons.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(updates).toEqual([]);
  });

  it('takes the last of several writes of one key, which only a hand-made set holds', async () => {
    const state = new MemoryState();
    const writes = [
      { key: 'a', value: utf8('1') },
      { key: 'a', value: utf8('2') },
      { key: 'b', value: utf8('1') },
      { key: 'b', isDelete: true },
      { key: 'c', isDelete: true },
      { key: 'c', value: utf8('3') },
      { key: 'd', isDelete: true, value: utf8('ignored') },
      { key: 'e', value: new Uint8Array() },
    ];
    const set = { namespace: 'cc', rwset: kvrwset.KVRWSet.encode({ writes }) };
    const { updates, historyWrites } = await commit(state, 1n, [endorsed('tx', rwset.TxReadWriteSet.encode({ nsRwset: [set] }))]);
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => stored(state, key)?.[0])).toEqual(['2', undefined, '3', undefined, undefined]);
    expect(updates).toHaveLength(5);
    expect(historyWrites.map(({ key, isDelete }) => [key, isDelete])).toEqual([
      ['a', false],
      ['b', true],
      ['c', false],
      ['d', true],
      ['e', true],
    ]);
  });

  it('without header, or with another number of flags, is refused', async () => {
    using snapshot = new MemoryState().snapshot();
    const block = blockOf(1n, []);
    await expect(prepareCommit({ block, flags: new Uint8Array(1), snapshot })).rejects.toMatchObject({ code: 'BLOCK_INVALID' });
    await expect(prepareCommit({ block: { ...block, header: undefined }, flags: new Uint8Array(), snapshot })).rejects.toMatchObject({
      code: 'BLOCK_INVALID',
    });
  });

  it('lets other work run while it is large', async () => {
    const state = new MemoryState();
    const { publicRwset } = await simulated(state, (simulator) => {
      for (let at = 0; at < 4_000; at += 1) simulator.putState('cc', `key${at}`, utf8('v'));
    });
    let immediates = 0;
    let running = true;
    const spin = () => {
      immediates += 1;
      if (running) setImmediate(spin);
    };
    setImmediate(spin);
    await commit(
      state,
      1n,
      Array.from({ length: 4 }, () => endorsed('tx', publicRwset)),
    );
    running = false;
    expect(immediates).toBeGreaterThan(4);
  });
});

describe('replaying a block', () => {
  it('applies by flag, without looking at versions', async () => {
    const state = new MemoryState();
    await commitWorks(state, 1n, [put('a', '1')]);
    const stale = await simulated(state, both(get('b'), put('a', 'stale')));
    await commitWorks(state, 2n, [put('b', '2')]);
    using snapshot = state.snapshot();
    const block = blockOf(3n, [endorsed('x', stale.publicRwset), endorsed('y', stale.publicRwset)]);
    const prepared = await replayUpdates({ block, flags: Uint8Array.of(VALID, PHANTOM_READ_CONFLICT), snapshot });
    expect([...prepared.flags]).toEqual([VALID, PHANTOM_READ_CONFLICT]);
    expect(prepared.updates).toMatchObject([{ key: 'a', value: { version: { blockNum: 3n, txNum: 0n } } }]);
  });

  it('refuses a valid transaction that cannot be read', async () => {
    using snapshot = new MemoryState().snapshot();
    const block = blockOf(3n, [utf8('broken')]);
    await expect(replayUpdates({ block, flags: Uint8Array.of(VALID), snapshot })).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    const prepared = await replayUpdates({ block, flags: Uint8Array.of(INVALID_OTHER_REASON), snapshot });
    expect(prepared.updates).toEqual([]);
  });
});
