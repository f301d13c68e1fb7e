import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hex, textOf, utf8 } from '../common/bytes.ts';
import { type LogFields, type Logger, silent } from '../common/log.ts';
import { type Metrics, unmeasured } from '../common/metrics.ts';
import { blockDataHash, blockHash } from '../protos/hashes.ts';
import { common, protos } from '../protos/messages.ts';
import { commitHashOf, flagsOf } from './block-metadata.ts';
import { transactionId } from './blockstore/transaction-ids.ts';
import { configTransaction, endorsed } from './commit/test-block.contract.ts';
import type { CommitOutcome, Ledger } from './ledger.ts';
import { FolderLedgerProvider, type LedgerProviderParts } from './ledger-provider.ts';
import type { CollectionLifetimes } from './pvtdata/expiry.ts';
import { hashedNamespace, keyHash, privateNamespace, stateKeyOfHash } from './simulator/private-namespaces.ts';
import type { SimulationResult, TxSimulator } from './simulator/tx-simulator.ts';
import { verifyLedger } from './verify/verify-ledger.ts';

const { VALID, MVCC_READ_CONFLICT, BAD_PROPOSAL_TXID, DUPLICATE_TXID } = protos.TxValidationCode;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvage-ledger-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const open = (parts: Partial<LedgerProviderParts> = {}): Promise<FolderLedgerProvider> => FolderLedgerProvider.open({ root, ...parts });

function blockOf(number: bigint, previousHash: Uint8Array, data: readonly Uint8Array[]): common.Block {
  return { header: { number, previousHash, dataHash: blockDataHash({ data }) }, data: { data }, metadata: { metadata: [] } };
}

const genesis = (): common.Block =>
  blockOf(0n, new Uint8Array(0), [configTransaction(common.ConfigEnvelope.encode({ config: { sequence: 1n } }))]);

const next = (ledger: Ledger, transactions: readonly Uint8Array[]): common.Block =>
  blockOf(ledger.blocks.info().height, ledger.blocks.info().currentBlockHash, transactions);

const commit = (
  ledger: Ledger,
  transactions: readonly Uint8Array[],
  codes: readonly number[] = transactions.map(() => VALID),
  privateData?: ReadonlyMap<number, readonly Uint8Array[]>,
): Promise<CommitOutcome> => ledger.commit({ block: next(ledger, transactions), flags: Uint8Array.from(codes), reasons: [], privateData });

/** Commits transactions with what the transient store has of each. */
async function commitPrivately(ledger: Ledger, transactions: readonly Uint8Array[]): Promise<CommitOutcome> {
  const found = transactions.map(async (each, index) => {
    const kept = await ledger.transient.get(transactionId(each) ?? '');
    return [index, kept.map(({ rwset: set }) => set)] as const;
  });
  return commit(ledger, transactions, undefined, new Map(await Promise.all(found)));
}

async function simulated(ledger: Ledger, txId: string, work: (simulator: TxSimulator) => unknown): Promise<SimulationResult> {
  await using simulator = await ledger.simulate(txId);
  await work(simulator);
  return await simulator.result();
}

const transaction = async (ledger: Ledger, txId: string, work: (simulator: TxSimulator) => unknown): Promise<Uint8Array> =>
  endorsed(txId, (await simulated(ledger, txId, work)).publicRwset);

const write = (ledger: Ledger, txId: string, key: string, value: string): Promise<Uint8Array> =>
  transaction(ledger, txId, (simulator) => simulator.putState('cc', key, utf8(value)));

async function stateOf(ledger: Ledger, namespace: string, key: string): Promise<string | undefined> {
  using snapshot = ledger.snapshot();
  const found = await snapshot.get(namespace, key);
  return found && textOf(found.value);
}

async function historyOf(results: ReturnType<Ledger['history']>): Promise<string[]> {
  await using iterator = results;
  const found: string[] = [];
  for (let each = await iterator.next(); each !== undefined; each = await iterator.next())
    found.push(each.isDelete ? `${each.txId} deleted` : `${each.txId}=${textOf(each.value)}`);
  return found;
}

describe('ledger', () => {
  it('commits what was simulated, and tells conflicts from what was valid', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    await commit(ledger, [await write(ledger, 'tx1', 'k', '1')]);
    const [slow, quick] = [
      await transaction(ledger, 'slow', async (simulator) =>
        simulator.putState('cc', 'k', utf8(`${textOf((await simulator.getState('cc', 'k')) ?? utf8(''))}+`)),
      ),
      await write(ledger, 'quick', 'k', '2'),
    ];
    const outcome = await commit(ledger, [quick, slow, await write(ledger, 'bad', 'k', 'never')], [VALID, VALID, BAD_PROPOSAL_TXID]);
    expect([...outcome.flags]).toEqual([VALID, MVCC_READ_CONFLICT, BAD_PROPOSAL_TXID]);
    expect(await stateOf(ledger, 'cc', 'k')).toBe('2');
    expect(ledger.reasonFor('slow')).toMatchObject({ code: MVCC_READ_CONFLICT, index: 1, details: { key: 'k', writtenBy: 'quick' } });
    expect(ledger.reasonFor('quick')).toBeUndefined();
    expect(await ledger.blocks.transaction('slow')).toMatchObject({ validationCode: MVCC_READ_CONFLICT, blockNumber: 2n, index: 1 });
    expect(await historyOf(ledger.history('cc', 'k'))).toEqual(['quick=2', 'tx1=1']);
  });

  it('keeps no reason for a valid transaction because a copy of it was refused', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const twice = await write(ledger, 'tx1', 'k', '1');
    await commit(ledger, [twice]);
    const copy = { txId: 'tx1', index: 0, code: DUPLICATE_TXID, message: 'again', details: {} };
    const fresh = { ...copy, txId: 'tx2', index: 1 };
    await ledger.commit({
      block: next(ledger, [twice, await write(ledger, 'tx2', 'k', '2')]),
      flags: Uint8Array.of(DUPLICATE_TXID, DUPLICATE_TXID),
      reasons: [copy, fresh],
    });
    expect([ledger.reasonFor('tx1'), ledger.reasonFor('tx2')]).toEqual([undefined, fresh]);
  });

  it('tells which namespaces a block changed, before anybody hears of the block', async () => {
    const told: string[] = [];
    await using ledgers = await open({
      onChanged: (channelId, namespaces) => told.push(`${channelId} ${[...namespaces].sort()} at height ${ledger.blocks.info().height}`),
    });
    const ledger = await ledgers.create('ch', genesis());
    await commit(ledger, [
      await transaction(ledger, 'public', (simulator) => simulator.putState('cc', 'a', utf8('1'))),
      await transaction(ledger, 'private', (simulator) => simulator.putPrivateData('dd', 'coll', 'k', utf8('v'))),
      await transaction(ledger, 'nothing', (simulator) => simulator.getState('ee', 'a')),
    ]);
    await commit(ledger, [await write(ledger, 'refused', 'b', '2')], [BAD_PROPOSAL_TXID]);
    expect(told).toEqual(['ch cc,dd$$hcoll at height 1', 'ch  at height 2']);
  });

  it('counts the snapshots in use', async () => {
    const open = { set: () => undefined, add: (amount: number) => counted.push(amount) };
    const counted: number[] = [];
    const metrics: Metrics = {
      ...unmeasured,
      gauge: (name) => (name === 'selvage_ledger_snapshots_open' ? open : unmeasured.gauge(name, '')),
    };
    await using provider = await FolderLedgerProvider.open({ root, metrics });
    const ledger = await provider.create('channel', genesis());
    const sum = (): number => counted.reduce((total, amount) => total + amount, 0);
    expect(sum()).toBe(0);
    const snapshot = ledger.snapshot();
    const simulator = await ledger.simulate('tx');
    expect(sum()).toBe(2);
    snapshot[Symbol.dispose]();
    snapshot[Symbol.dispose]();
    await simulator[Symbol.asyncDispose]();
    expect(sum()).toBe(0);
  });

  it('names the transaction that made a read stale, from blocks before too', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const late = await transaction(ledger, 'late', (simulator) => simulator.getState('cc', 'k'));
    await commit(ledger, [await write(ledger, 'first', 'k', '1')]);
    await commit(ledger, [late]);
    expect(ledger.reasonFor('late')?.details).toMatchObject({ writtenBy: 'first' });
  });

  it('gives each block flags and the commit hash, genesis none, and 1.1 four slots and no hash', async () => {
    for (const release of ['2.x', '1.1'] as const) {
      await using provider = await open({ root: join(root, release), release: () => release });
      const ledger = await provider.create('channel', genesis());
      await commit(ledger, [await write(ledger, 'tx1', 'k', '1')]);
      const blocks = await Promise.all([0n, 1n].map((number) => ledger.blocks.block(number)));
      expect(blocks.map((block) => block?.metadata?.metadata.length)).toEqual(release === '2.x' ? [5, 5] : [4, 4]);
      expect(blocks.map((block) => block && hex(flagsOf(block)))).toEqual(['00', '00']);
      expect(blocks.map((block) => block && commitHashOf(block)?.length)).toEqual(
        release === '2.x' ? [undefined, 32] : [undefined, undefined],
      );
    }
  });

  it('shows a simulation neither state nor history of blocks that come while it runs', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    await commit(ledger, [await write(ledger, 'tx1', 'k', '1')]);
    await using simulator = await ledger.simulate('tx');
    await commit(ledger, [await write(ledger, 'tx2', 'k', '2')]);
    expect(textOf((await simulator.getState('cc', 'k')) ?? utf8(''))).toBe('1');
    expect(await historyOf(simulator.history('cc', 'k'))).toEqual(['tx1=1']);
    expect(await historyOf(ledger.history('cc', 'k'))).toEqual(['tx2=2', 'tx1=1']);
  });

  it('tells the history oldest first where the ledger is one of 1.1, and keeps keys apart', async () => {
    await using provider = await open({ release: () => '1.1' });
    const ledger = await provider.create('channel', genesis());
    await commit(ledger, [await write(ledger, 'tx1', 'k', '1'), await write(ledger, 'tx2', 'k\0', '2')]);
    await commit(ledger, [await transaction(ledger, 'tx3', (simulator) => simulator.deleteState('cc', 'k'))]);
    expect(await historyOf(ledger.history('cc', 'k'))).toEqual(['tx1=1', 'tx3 deleted']);
    expect(await historyOf(ledger.history('cc', 'k\0'))).toEqual(['tx2=2']);
    expect(await historyOf(ledger.history('c', 'ck'))).toEqual([]);
  });

  it('refuses blocks that do not continue the chain, and commits those that do after that', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const data = [await write(ledger, 'tx1', 'k', '1')];
    const flags = new Uint8Array(1);
    const { currentBlockHash } = ledger.blocks.info();
    for (const block of [blockOf(0n, currentBlockHash, data), blockOf(2n, currentBlockHash, data), blockOf(1n, utf8('other'), data)])
      await expect(ledger.commit({ block, flags, reasons: [] })).rejects.toMatchObject({ code: 'BLOCK_INVALID' });
    await expect(ledger.commit({ block: next(ledger, data), flags: new Uint8Array(2), reasons: [] })).rejects.toMatchObject({
      code: 'BLOCK_INVALID',
    });
    await commit(ledger, data);
    expect(await stateOf(ledger, 'cc', 'k')).toBe('1');
  });

  it('ends reading and committing when it is closed', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const simulator = await ledger.simulate('tx');
    await ledger[Symbol.asyncDispose]();
    await expect((async () => simulator.getState('cc', 'k'))()).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    await simulator[Symbol.asyncDispose]();
    await expect(commit(ledger, [])).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    expect(() => ledger.snapshot()).toThrow(expect.objectContaining({ code: 'LEDGER_UNAVAILABLE' }));
    const again = await provider.open('channel');
    expect(again.blocks.info().height).toBe(1n);
  });
});

describe('private data', () => {
  const lifetimes: CollectionLifetimes = { blockToLive: ({ collection }) => (collection === 'short' ? 2n : 0n) };
  const put = (collection: string, value: string) => (simulator: TxSimulator) =>
    simulator.putPrivateData('cc', collection, 'k', utf8(value));

  async function endorsedPrivately(ledger: Ledger, txId: string, work: (simulator: TxSimulator) => unknown): Promise<Uint8Array> {
    const { publicRwset, privateRwset } = await simulated(ledger, txId, work);
    if (privateRwset !== undefined) await ledger.transient.put(txId, ledger.blocks.info().height, privateRwset);
    return endorsed(txId, publicRwset);
  }

  const plain = (ledger: Ledger, collection: string): Promise<string | undefined> =>
    stateOf(ledger, privateNamespace('cc', collection), 'k');
  const hashed = (ledger: Ledger, collection: string): Promise<string | undefined> =>
    stateOf(ledger, hashedNamespace('cc', collection), stateKeyOfHash(keyHash('k')));

  it('is committed with its transaction, leaves the transient store, and stays when the state is made again', async () => {
    {
      await using provider = await open({ lifetimes });
      const ledger = await provider.create('channel', genesis());
      const tx = await endorsedPrivately(ledger, 'tx1', put('long', 'secret'));
      await ledger.transient.put('tx1', 1n, utf8('not a write set'));
      await commitPrivately(ledger, [tx]);
      expect(await plain(ledger, 'long')).toBe('secret');
      expect(await ledger.transient.get('tx1')).toEqual([]);
    }
    await rm(join(root, 'channels', 'channel', 'state'), { recursive: true });
    await using provider = await open({ lifetimes });
    const ledger = await provider.open('channel');
    expect(await plain(ledger, 'long')).toBe('secret');
  });

  it('is kept only of collections that this peer may hold', async () => {
    const asked: string[] = [];
    await using ledgers = await open({
      mayHold: async ({ namespace, collection }) => {
        asked.push(`${namespace} ${collection}`);
        return collection === 'ours';
      },
    });
    const ledger = await ledgers.create('ch', genesis());
    const { publicRwset, privateRwset = utf8('') } = await simulated(ledger, 'tx', (simulator) => {
      for (const collection of ['ours', 'theirs']) simulator.putPrivateData('cc', collection, 'k', utf8('secret'));
    });
    await ledger.transient.put('tx', 1n, privateRwset);
    await commitPrivately(ledger, [endorsed('tx', publicRwset)]);
    const hashed = (collection: string) => stateOf(ledger, hashedNamespace('cc', collection), stateKeyOfHash(keyHash('k')));
    expect([
      await stateOf(ledger, privateNamespace('cc', 'ours'), 'k'),
      await stateOf(ledger, privateNamespace('cc', 'theirs'), 'k'),
    ]).toEqual(['secret', undefined]);
    expect(await hashed('theirs')).toBe(await hashed('ours'));
    expect(asked).toEqual(['cc ours', 'cc theirs']);
  });

  it('commits by its hash where the data are not here', async () => {
    await using provider = await open({ lifetimes });
    const ledger = await provider.create('channel', genesis());
    const { publicRwset } = await simulated(ledger, 'tx1', put('long', 'secret'));
    await commitPrivately(ledger, [endorsed('tx1', publicRwset)]);
    expect([await plain(ledger, 'long'), (await hashed(ledger, 'long')) !== undefined]).toEqual([undefined, true]);
  });

  it('is deleted after its blocks to live, hash and value, unless it was written again', async () => {
    await using provider = await open({ lifetimes });
    const ledger = await provider.create('channel', genesis());
    const seen: (readonly boolean[])[] = [];
    const look = async (): Promise<void> => {
      seen.push([
        (await plain(ledger, 'short')) !== undefined,
        (await hashed(ledger, 'short')) !== undefined,
        (await plain(ledger, 'long')) !== undefined,
      ]);
    };
    await commitPrivately(ledger, [
      await endorsedPrivately(ledger, 'tx1', put('short', '1')),
      await endorsedPrivately(ledger, 'tx2', put('long', '1')),
    ]);
    await commitPrivately(ledger, [await write(ledger, 'tx3', 'k', '1')]);
    await commitPrivately(ledger, [await endorsedPrivately(ledger, 'tx4', put('short', '2'))]); // due at 1+2+1 = 4, now at 6
    for (let number = 4; number <= 6; number += 1) {
      await commitPrivately(ledger, [await write(ledger, `tx${number + 1}`, 'k', String(number))]);
      await look();
    }
    expect(seen).toEqual([
      [true, true, true],
      [true, true, true],
      [false, false, true],
    ]);
  });

  describe('that is purged', () => {
    const putKey = (key: string, value: string) => (simulator: TxSimulator) => simulator.putPrivateData('cc', 'long', key, utf8(value));
    const purge = (simulator: TxSimulator) => simulator.purgePrivateData('cc', 'long', 'k');
    const read = async (ledger: Ledger, key: string) => {
      await using simulator = await ledger.simulate('read');
      const found = await simulator.getPrivateData('cc', 'long', key);
      return found && textOf(found);
    };
    /** Everything that is kept of blocks in plain, as text. */
    const kept = async (ledger: Ledger): Promise<string> => {
      let text = '';
      for (let number = 0n; number < ledger.blocks.info().height; number += 1n)
        for (const sets of (await ledger.privateData.ofBlock(number)).values())
          text += sets.map((set) => Buffer.from(set).toString('latin1')).join();
      return text;
    };
    const mark = (ledger: Ledger, blockNum: bigint) =>
      ledger.privateData.isPurged({ namespace: 'cc', collection: 'long', keyHash: keyHash('k'), version: { blockNum, txNum: 0n } });

    it.each([
      ['here', true],
      ['elsewhere', false],
    ])('%s leaves the state and every write set, and nothing else does', async (_, here) => {
      {
        await using provider = await open({ lifetimes });
        const ledger = await provider.create('channel', genesis());
        await commitPrivately(ledger, [
          await endorsedPrivately(ledger, 'tx1', async (simulator) => {
            putKey('k', 'gone-first')(simulator);
            putKey('other', 'stays')(simulator);
          }),
          await endorsedPrivately(ledger, 'tx2', putKey('k2', 'stays-too')),
        ]);
        await commitPrivately(ledger, [await endorsedPrivately(ledger, 'tx3', putKey('k', 'gone-second'))]);
        const purging = here ? await endorsedPrivately(ledger, 'tx4', purge) : await transaction(ledger, 'tx4', purge);
        await commitPrivately(ledger, [purging]);
        expect([await read(ledger, 'k'), await read(ledger, 'other'), await read(ledger, 'k2')]).toEqual([undefined, 'stays', 'stays-too']);
        expect([await plain(ledger, 'long'), await hashed(ledger, 'long')]).toEqual([undefined, undefined]);
        expect(await kept(ledger)).not.toMatch(/gone/);
        expect(await kept(ledger)).toMatch(/stays.*stays-too/s);
        expect([await mark(ledger, 2n), await mark(ledger, 3n), await mark(ledger, 4n)]).toEqual([true, true, false]);
        await commitPrivately(ledger, [await endorsedPrivately(ledger, 'tx5', putKey('k', 'back'))]);
        expect(await read(ledger, 'k')).toBe('back');
      }
      await rm(join(root, 'channels', 'channel', 'state'), { recursive: true });
      await using provider = await open({ lifetimes });
      const ledger = await provider.open('channel');
      expect([await read(ledger, 'k'), await read(ledger, 'other'), await read(ledger, 'k2')]).toEqual(['back', 'stays', 'stays-too']);
      expect(await kept(ledger)).not.toMatch(/gone/);
    });

    it('in the block that wrote it is gone, and what follows the purge stays', async () => {
      await using provider = await open({ lifetimes });
      const ledger = await provider.create('channel', genesis());
      await commitPrivately(ledger, [
        await endorsedPrivately(ledger, 'tx1', putKey('k', 'gone')),
        await transaction(ledger, 'tx2', purge),
        await endorsedPrivately(ledger, 'tx3', putKey('k', 'after')),
        await endorsedPrivately(ledger, 'tx4', putKey('k2', 'gone')),
        await transaction(ledger, 'tx5', (simulator) => simulator.purgePrivateData('cc', 'long', 'k2')),
      ]);
      expect([await read(ledger, 'k'), await read(ledger, 'k2')]).toEqual(['after', undefined]);
      expect(await kept(ledger)).not.toMatch(/gone/);
      expect(await kept(ledger)).toMatch(/after/);
    });

    it('of a collection with a lifetime does not come back to be deleted', async () => {
      await using provider = await open({ lifetimes });
      const ledger = await provider.create('channel', genesis());
      const short = (value: string) => (simulator: TxSimulator) => simulator.putPrivateData('cc', 'short', 'k', utf8(value));
      await commitPrivately(ledger, [await endorsedPrivately(ledger, 'tx1', short('1'))]); // due at 4
      await commitPrivately(ledger, [await transaction(ledger, 'tx2', (simulator) => simulator.purgePrivateData('cc', 'short', 'k'))]);
      await commitPrivately(ledger, [await endorsedPrivately(ledger, 'tx3', short('2'))]); // due at 6
      await commitPrivately(ledger, [await write(ledger, 'tx4', 'k', '1')]);
      expect(await plain(ledger, 'short')).toBe('2');
    });

    it.each([
      ['each key where it stood, unless told otherwise', undefined],
      ['only how many where keys are not to be named', false],
    ])('is in the log: %s', async (_, purgedKeyAudit) => {
      const lines: string[] = [];
      const fields: LogFields[] = [];
      const heard: Logger = {
        ...silent,
        info: (message, more = {}) => {
          lines.push(message);
          fields.push(more);
        },
        child: () => heard,
      };
      await using provider = await open({ lifetimes, log: heard, purgedKeyAudit });
      const ledger = await provider.create('channel', genesis());
      await commitPrivately(ledger, [
        await endorsedPrivately(ledger, 'tx1', putKey('k', 'secret-1')),
        await endorsedPrivately(ledger, 'tx2', putKey('a key=b', 'secret-2')),
      ]);
      await commitPrivately(ledger, [await endorsedPrivately(ledger, 'tx3', putKey('k', 'secret-3'))]);
      await commitPrivately(ledger, [
        await transaction(ledger, 'tx4', (simulator) => {
          purge(simulator);
          simulator.purgePrivateData('cc', 'long', 'a key=b');
          simulator.purgePrivateData('cc', 'long', 'never here');
        }),
      ]);
      const each = 'Purging private data from private data storage channel=channel chaincode=cc collection=long key=';
      const named = [`${each}"a key=b" blockNum=1 tranNum=1`, `${each}k blockNum=1 tranNum=0`, `${each}k blockNum=2 tranNum=0`];
      expect(lines.filter((line) => line.startsWith('Purging')).sort()).toEqual(purgedKeyAudit === false ? [] : named);
      expect(lines.at(-1)).toBe(
        'Purged private data from private data storage channel=channel numKeysPurged=3 numPrivateDataStoreRecordsPurged=3',
      );
      expect(fields.at(-1)).toEqual({ channel: 'channel', numKeysPurged: 3, numPrivateDataStoreRecordsPurged: 3 });
      expect(JSON.stringify([lines, fields])).not.toMatch(/secret/);
    });

    it('leaves a state that is the same when it is made again, its schedule included', async () => {
      {
        await using provider = await open({ lifetimes });
        const ledger = await provider.create('channel', genesis());
        const short = (value: string) => (simulator: TxSimulator) => simulator.putPrivateData('cc', 'short', 'k', utf8(value));
        await commitPrivately(ledger, [await endorsedPrivately(ledger, 'tx1', short('1'))]);
        await commitPrivately(ledger, [await endorsedPrivately(ledger, 'tx2', short('2'))]);
        await commitPrivately(ledger, [await transaction(ledger, 'tx3', (simulator) => simulator.purgePrivateData('cc', 'short', 'k'))]);
      }
      const found = await verifyLedger({
        folder: join(root, 'channels', 'channel'),
        release: '2.x',
        lifetimes,
        state: true,
        checkBlock: async () => undefined,
      });
      expect(found.findings).toEqual([]);
    });
  });

  it('that is missing is written down, for those who may have it and for the others, until it expires', async () => {
    const mayHold = ({ collection }: { readonly collection: string }) => collection !== 'theirs';
    const names = async (ledger: Ledger, eligible: boolean) => {
      const found = await ledger.privateData.missing(eligible ? 'eligible' : 'ineligible', { blocks: 100 });
      return found.map(({ blockNum, index, collection }) => `${blockNum}.${index} ${collection}`);
    };
    {
      await using provider = await open({ lifetimes, mayHold });
      const ledger = await provider.create('channel', genesis());
      await commitPrivately(ledger, [
        await transaction(ledger, 'tx1', put('long', '1')),
        await transaction(ledger, 'tx2', async (simulator) => {
          put('theirs', '2')(simulator);
          put('short', '2')(simulator);
        }),
        await endorsedPrivately(ledger, 'tx3', put('long', '3')),
      ]);
      await commitPrivately(ledger, [await transaction(ledger, 'tx4', put('long', '4'))]);
      expect([await names(ledger, true), await names(ledger, false)]).toEqual([['2.0 long', '1.1 short', '1.0 long'], ['1.1 theirs']]);
    }
    await using provider = await open({ lifetimes, mayHold });
    const ledger = await provider.open('channel');
    for (let number = 3; number <= 4; number += 1) await commitPrivately(ledger, [await write(ledger, `w${number}`, 'k', String(number))]);
    expect(await names(ledger, true)).toEqual(['2.0 long', '1.0 long']);
  });

  it('that never commits is dropped with age', async () => {
    await using provider = await open({ transientRetention: 2 });
    const ledger = await provider.create('channel', genesis());
    await ledger.transient.put('never', 1n, utf8('set'));
    for (let number = 1; number <= 4; number += 1) await commitPrivately(ledger, [await write(ledger, `tx${number}`, 'k', String(number))]);
    expect(await ledger.transient.get('never')).toEqual([]);
  });
});

describe('ledger provider', () => {
  it('lists, opens and does not make twice', async () => {
    {
      await using provider = await open();
      await provider.create('b', genesis());
      const ledger = await provider.create('a', genesis());
      await commit(ledger, [await write(ledger, 'tx1', 'k', '1')]);
      expect(provider.list()).toEqual(['a', 'b']);
      expect(await provider.open('a')).toBe(ledger);
      await expect(provider.create('a', genesis())).rejects.toMatchObject({ code: 'CHANNEL_EXISTS' });
      await expect(provider.open('c')).rejects.toMatchObject({ code: 'CHANNEL_NOT_FOUND' });
      await expect(provider.create('../c', genesis())).rejects.toMatchObject({ code: 'MALFORMED' });
    }
    await using provider = await open();
    expect(provider.list()).toEqual(['a', 'b']);
    const ledger = await provider.open('a');
    expect([ledger.blocks.info().height, await stateOf(ledger, 'cc', 'k')]).toEqual([2n, '1']);
    await commit(ledger, [await write(ledger, 'tx2', 'k', '2')]);
    expect(await stateOf(ledger, 'cc', 'k')).toBe('2');
  });

  it('opens a ledger that is being closed when that is over', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const closing = ledger[Symbol.asyncDispose]();
    const again = await provider.open('channel');
    await closing;
    await commit(again, [await write(again, 'tx1', 'k', '1')]);
    expect(await stateOf(again, 'cc', 'k')).toBe('1');
  });

  it('leaves nothing of a ledger that could not be made', async () => {
    await using provider = await open();
    const unreadable = { ...genesis(), metadata: { metadata: [new Uint8Array(0), new Uint8Array(0), new Uint8Array(3)] } };
    for (const wrong of [blockOf(1n, utf8('x'), []), { ...genesis(), header: undefined }, { ...genesis(), data: { data: [] } }, unreadable])
      await expect(provider.create('channel', wrong)).rejects.toThrow();
    expect(provider.list()).toEqual([]);
    expect(await readdir(join(root, 'channels'))).toEqual([]);
    expect((await provider.create('channel', genesis())).blocks.info().height).toBe(1n);
  });

  it('removes what a process left that ended while it made a ledger', async () => {
    await mkdir(join(root, 'channels', '.creating-1', 'blocks'), { recursive: true });
    await using provider = await open();
    expect([provider.list(), await readdir(join(root, 'channels'))]).toEqual([[], []]);
  });

  it('lets one process in at a time', async () => {
    await using provider = await open();
    await expect(open()).rejects.toMatchObject({ code: 'FOLDER_IN_USE', details: { pid: process.pid } });
    expect(provider.list()).toEqual([]);
  });

  it('says what the system has against a channel of it, and opens the others', async () => {
    {
      await using provider = await open();
      for (const name of ['sound', 'filed', 'looped']) await provider.create(name, genesis());
    }
    for (const name of ['filed', 'looped']) await rm(join(root, 'channels', name), { recursive: true });
    await writeFile(join(root, 'channels', 'filed'), '');
    await symlink('looped', join(root, 'channels', 'looped'));
    await using provider = await open();
    for (const [name, code] of [
      ['filed', 'ENOTDIR'],
      ['looped', 'ELOOP'],
    ] as const)
      await expect(provider.open(name)).rejects.toMatchObject({
        code: 'LEDGER_UNAVAILABLE',
        message: expect.stringMatching(new RegExp(`^cannot open the ledger of ${name}: ${code}`)),
      });
    expect((await provider.open('sound')).blocks.info().height).toBe(1n);
  });

  it('goes on with the state that is there, and makes it again for a folder of an earlier version', async () => {
    const channel = join(root, 'channels', 'channel');
    const witness = join(channel, 'state', 'witness');
    {
      await using provider = await open();
      const ledger = await provider.create('channel', genesis());
      await commit(ledger, [await write(ledger, 'tx1', 'k', '1')]);
      await writeFile(witness, '');
    }
    const reopened = async (): Promise<boolean> => {
      await using provider = await open();
      expect(await stateOf(await provider.open('channel'), 'cc', 'k')).toBe('1');
      return existsSync(witness);
    };
    expect(await reopened()).toBe(true);
    await writeFile(join(channel, 'state.mark'), JSON.stringify({ bootId: 'before', clean: true }));
    expect(await reopened()).toBe(false);
    expect((await readdir(channel)).sort()).toEqual(['blocks', 'private', 'state']);
  });

  it('makes the state again when its files are no store', async () => {
    {
      await using provider = await open();
      await provider.create('channel', genesis());
    }
    const file = join(root, 'channels', 'channel', 'state', 'data.mdb');
    await writeFile(file, Buffer.alloc(20_000, 'damaged'));
    await using provider = await open();
    const ledger = await provider.open('channel');
    expect(await stateOf(ledger, '', 'CHANNEL_CONFIG_ENV_BYTES')).toBeDefined();
  });

  it('refuses a ledger whose state knows blocks that the files do not hold', async () => {
    {
      await using provider = await open();
      const ledger = await provider.create('channel', genesis());
      await commit(ledger, [await write(ledger, 'tx1', 'k', '1')]);
    }
    const file = join(root, 'channels', 'channel', 'blocks', 'blockfile_000000');
    await writeFile(file, (await readFile(file)).subarray(0, -10));
    await using provider = await open();
    await expect(provider.open('channel')).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    await expect(provider.open('channel')).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('writes where the genesis block went, with its configuration in the state', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const found = await stateOf(ledger, '', 'CHANNEL_CONFIG_ENV_BYTES');
    expect(common.ConfigEnvelope.decode(utf8(found ?? '')).config?.sequence).toBe(1n);
    expect(blockHash(genesis().header ?? { number: 0n, previousHash: utf8(''), dataHash: utf8('') })).toEqual(
      ledger.blocks.info().currentBlockHash,
    );
  });
});
