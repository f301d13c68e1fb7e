import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textOf, utf8 } from '../common/bytes.ts';
import { blockDataHash } from '../protos/hashes.ts';
import { common, kvrwset, protos, rwset } from '../protos/messages.ts';
import { configTransaction, endorsed } from './commit/test-block.contract.ts';
import type { Ledger } from './ledger.ts';
import { FolderLedgerProvider, type LedgerProviderParts } from './ledger-provider.ts';
import type { WriteSetName } from './pvtdata/private-data-keys.ts';
import { privateNamespace } from './simulator/private-namespaces.ts';
import type { TxSimulator } from './simulator/tx-simulator.ts';
import { verifyLedger } from './verify/verify-ledger.ts';

const { VALID, BAD_PROPOSAL_TXID, MVCC_READ_CONFLICT } = protos.TxValidationCode;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvage-old-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const lifetimes: LedgerProviderParts['lifetimes'] = { blockToLive: ({ collection }) => (collection === 'short' ? 2n : 0n) };
const open = (parts: Partial<LedgerProviderParts> = {}): Promise<FolderLedgerProvider> =>
  FolderLedgerProvider.open({ root, lifetimes, ...parts });

function blockOf(number: bigint, previousHash: Uint8Array, data: readonly Uint8Array[]): common.Block {
  return { header: { number, previousHash, dataHash: blockDataHash({ data }) }, data: { data }, metadata: { metadata: [] } };
}

const genesis = (): common.Block =>
  blockOf(0n, new Uint8Array(0), [configTransaction(common.ConfigEnvelope.encode({ config: { sequence: 1n } }))]);

interface Ran {
  readonly tx: Uint8Array;
  /** `kvrwset.KVRWSet` bytes by collection. */
  readonly sets: ReadonlyMap<string, Uint8Array>;
  readonly whole: Uint8Array;
}

async function run(ledger: Ledger, txId: string, work: (simulator: TxSimulator) => unknown): Promise<Ran> {
  await using simulator = await ledger.simulate(txId);
  await work(simulator);
  const { publicRwset, privateRwset: whole = new Uint8Array(0) } = await simulator.result();
  const sets = rwset.TxPvtReadWriteSet.decode(whole).nsPvtRwset.flatMap(({ collectionPvtRwset }) => collectionPvtRwset);
  return { tx: endorsed(txId, publicRwset), sets: new Map(sets.map((set) => [set.collectionName, set.rwset])), whole };
}

interface Codes {
  readonly codes?: readonly number[];
  readonly keepsInvalid?: boolean;
  /** Of which transactions the private data are at hand. */
  readonly atHand?: readonly number[];
}

async function commit(ledger: Ledger, runs: readonly Ran[], { codes, keepsInvalid = true, atHand = [] }: Codes = {}) {
  const { height, currentBlockHash } = ledger.blocks.info();
  return ledger.commit({
    block: blockOf(
      height,
      currentBlockHash,
      runs.map(({ tx }) => tx),
    ),
    flags: Uint8Array.from(codes ?? runs.map(() => VALID)),
    reasons: [],
    keepsInvalid,
    privateData: new Map(atHand.map((index) => [index, [runs[index]?.whole ?? new Uint8Array(0)]])),
  });
}

const put =
  (collection: string, values: Readonly<Record<string, string>>) =>
  (simulator: TxSimulator): void => {
    for (const [key, value] of Object.entries(values)) simulator.putPrivateData('cc', collection, key, utf8(value));
  };

async function plain(ledger: Ledger, collection: string, key: string): Promise<string | undefined> {
  using snapshot = ledger.snapshot();
  const found = await snapshot.get(privateNamespace('cc', collection), key);
  return found && textOf(found.value);
}

const read = async (ledger: Ledger, collection: string, key: string): Promise<string> => {
  await using simulator = await ledger.simulate('read');
  return textOf((await simulator.getPrivateData('cc', collection, key)) ?? utf8('-'));
};

const named = ({ blockNum, index, collection }: WriteSetName): string => `${blockNum}.${index} ${collection}`;
const missing = async (ledger: Ledger, why: Parameters<Ledger['privateData']['missing']>[0], blocks = 100): Promise<string[]> =>
  (await ledger.privateData.missing(why, { blocks })).map(named);

const at = (blockNum: bigint, index: number, collection = 'c'): WriteSetName => ({ blockNum, index, namespace: 'cc', collection });
const old = (name: WriteSetName, ran: Ran | undefined, set = ran?.sets.get(name.collection)) => ({
  ...name,
  rwset: set ?? new Uint8Array(0),
});

/** What the ledger on the disk has that is not made from its blocks and private data. */
async function verified(): Promise<readonly string[]> {
  const { findings } = await verifyLedger({
    folder: join(root, 'channels', 'channel'),
    release: '2.x',
    lifetimes: lifetimes ?? { blockToLive: () => 0n },
    state: true,
    checkBlock: async () => undefined,
  });
  return findings;
}

describe('private data that comes after its block', () => {
  it('is taken into the state and the store, and stays there', async () => {
    {
      await using provider = await open();
      const ledger = await provider.create('channel', genesis());
      const one = await run(ledger, 'tx1', put('c', { k: 'v' }));
      await commit(ledger, [one]);
      expect([await plain(ledger, 'c', 'k'), await missing(ledger, 'eligible')]).toEqual([undefined, ['1.0 c']]);
      expect(await ledger.commitOld([old(at(1n, 0), one)])).toMatchObject({ committed: [{ blockNum: 1n }], refused: [] });
      expect([await read(ledger, 'c', 'k'), await missing(ledger, 'eligible')]).toEqual(['v', []]);
      expect(await ledger.commitOld([old(at(1n, 0), one)])).toEqual({ committed: [], refused: [] }); // no longer missed
    }
    await using provider = await open();
    const ledger = await provider.open('channel');
    expect(await read(ledger, 'c', 'k')).toBe('v');
  });

  it('gives the same state when that is made from the blocks again', async () => {
    {
      await using provider = await open();
      const ledger = await provider.create('channel', genesis());
      const one = await run(ledger, 'tx1', put('c', { k: 'v' }));
      await commit(ledger, [one]);
      await ledger.commitOld([old(at(1n, 0), one)]);
    }
    await rm(join(root, 'channels', 'channel', 'state'), { recursive: true });
    await using provider = await open();
    expect(await read(await provider.open('channel'), 'c', 'k')).toBe('v');
  });

  it('changes nothing that was written, deleted or purged since, and is deleted where it says so', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const one = await run(ledger, 'tx1', put('c', { newer: '1', gone: '1', purged: '1', kept: '1' }));
    await commit(ledger, [one]);
    const two = await run(ledger, 'tx2', async (simulator) => {
      put('c', { newer: '2' })(simulator);
      await simulator.deletePrivateData('cc', 'c', 'gone');
      simulator.purgePrivateData('cc', 'c', 'purged');
    });
    await commit(ledger, [two], { atHand: [0] });
    expect(await ledger.commitOld([old(at(1n, 0), one)])).toMatchObject({ refused: [] });
    const keys = ['newer', 'gone', 'purged', 'kept'];
    expect(await Promise.all(keys.map((key) => plain(ledger, 'c', key)))).toEqual(['2', undefined, undefined, '1']);
    const stored = await ledger.privateData.writeSet(at(1n, 0));
    expect(kvrwset.KVRWSet.decode(stored ?? new Uint8Array(0)).writes.map(({ key }) => key)).toEqual(['gone', 'kept', 'newer']);
    const three = await run(ledger, 'tx3', (simulator) => simulator.deletePrivateData('cc', 'c', 'newer'));
    await commit(ledger, [three]);
    await ledger.commitOld([old(at(3n, 0), three)]);
    expect(await plain(ledger, 'c', 'newer')).toBeUndefined();
  });

  it('takes the version over that metadata gave its hash since', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const one = await run(ledger, 'tx1', put('c', { k: 'v' }));
    await commit(ledger, [one]);
    const policy = new Map([['VALIDATION_PARAMETER', utf8('policy')]]);
    const two = await run(ledger, 'tx2', (simulator) => simulator.setPrivateDataMetadata('cc', 'c', 'k', policy));
    await commit(ledger, [two]);
    await ledger.commitOld([old(at(1n, 0), one)]);
    expect(await read(ledger, 'c', 'k')).toBe('v');
    const three = await run(ledger, 'tx3', (simulator) => simulator.setPrivateDataMetadata('cc', 'c', 'k', policy));
    await commit(ledger, [three]);
    await expect(read(ledger, 'c', 'k')).rejects.toThrow(/not available/);
    await ledger.commitOld([old(at(3n, 0), three)]);
    expect(await read(ledger, 'c', 'k')).toBe('v');
  });

  it('is refused unless it is what the block says, and is missing as before', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const one = await run(ledger, 'tx1', put('c', { a: '1', b: '2' }));
    const lie = await run(ledger, 'tx1', put('c', { a: '1', b: '3' }));
    const part = await run(ledger, 'tx1', put('c', { a: '1' }));
    const more = await run(ledger, 'tx1', put('c', { a: '1', b: '2', x: '4' }));
    await commit(ledger, [one]);
    const reasons: (string | undefined)[] = [];
    const sets = [lie, part, undefined].map((each) => old(at(1n, 0), each));
    for (const set of [...sets, old(at(1n, 0), undefined, utf8('no set'))])
      reasons.push((await ledger.commitOld([set])).refused.at(0)?.reason);
    expect(reasons).toEqual([
      'Hash mismatched',
      'Only subset of expected keys present',
      'Only subset of expected keys present',
      'Error during unmarshalling of collection proto',
    ]);
    expect([await missing(ledger, 'eligible'), await plain(ledger, 'c', 'a')]).toEqual([['1.0 c'], undefined]);
    expect((await ledger.commitOld([old(at(9n, 0), one), old(at(1n, 7), one), old(at(1n, 0, 'x'), one)])).refused).toEqual([]);
    await ledger.commitOld([old(at(1n, 0), more)]);
    expect([await plain(ledger, 'c', 'b'), await plain(ledger, 'c', 'x')]).toEqual(['2', undefined]);
  });

  it('may lack what the giver purged, once this peer has seen the purge', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const one = await run(ledger, 'tx1', put('c', { a: '1', b: '2' }));
    const part = await run(ledger, 'tx1', put('c', { b: '2' }));
    const other = await run(ledger, 'tx2', put('c', { a: '9' }));
    await commit(ledger, [one, other]);
    expect((await ledger.commitOld([old(at(1n, 0), part)])).refused).toHaveLength(1);
    await commit(ledger, [await run(ledger, 'tx3', (simulator) => simulator.purgePrivateData('cc', 'c', 'a'))]);
    expect((await ledger.commitOld([old(at(1n, 0), part)])).committed).toHaveLength(1);
    expect([await plain(ledger, 'c', 'a'), await plain(ledger, 'c', 'b')]).toEqual([undefined, '2']);
    await ledger.setAside([at(1n, 1)]); // nobody has what was purged as a whole: it is not asked for again
    expect([await missing(ledger, 'eligible'), await missing(ledger, 'deprioritized')]).toEqual([['2.0 c'], []]);
  });

  it('expires with its collection', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const one = await run(ledger, 'tx1', put('short', { k: 'v' })); // due at 4
    const late = await run(ledger, 'tx2', put('short', { late: 'v' }));
    await commit(ledger, [one, late]);
    await commit(ledger, []);
    await ledger.commitOld([old(at(1n, 0, 'short'), one)]);
    await commit(ledger, []);
    expect(await plain(ledger, 'short', 'k')).toBe('v');
    await commit(ledger, []);
    expect([await plain(ledger, 'short', 'k'), await ledger.privateData.writeSet(at(1n, 0, 'short'))]).toEqual([undefined, undefined]);
    expect(await ledger.commitOld([old(at(1n, 1, 'short'), late)])).toEqual({ committed: [], refused: [] });
    expect(await missing(ledger, 'eligible')).toEqual([]);
  });
});

describe('a ledger whose private data came late', () => {
  it('is equal to one that is made from its blocks and that data', async () => {
    {
      await using provider = await open();
      const ledger = await provider.create('channel', genesis());
      const one = await run(ledger, 'tx1', (simulator) => {
        put('short', { k: 'v', other: 'v' })(simulator);
        put('c', { k: 'v' })(simulator);
      });
      const invalid = await run(ledger, 'tx2', put('short', { k: 'w' }));
      await commit(ledger, [one, invalid], { codes: [VALID, BAD_PROPOSAL_TXID] });
      await commit(ledger, [await run(ledger, 'tx3', put('c', { k2: 'x' }))], { atHand: [0] });
      const { refused } = await ledger.commitOld([old(at(1n, 0, 'short'), one), old(at(1n, 0), one), old(at(1n, 1, 'short'), invalid)]);
      expect(refused).toEqual([]);
    }
    expect(await verified()).toEqual([]);
  });
});

describe('private data of invalid transactions', () => {
  it('is kept or missed without a trace in the state, if the channel wants that, and expires', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const [here, there] = [await run(ledger, 'tx1', put('short', { k: '1' })), await run(ledger, 'tx2', put('short', { k: '2' }))];
    const codes = [BAD_PROPOSAL_TXID, BAD_PROPOSAL_TXID];
    await commit(ledger, [here, there], { codes, atHand: [0] }); // due at 4
    expect([...(await ledger.privateData.ofBlock(1n)).keys()]).toEqual([0]);
    expect([await plain(ledger, 'short', 'k'), await missing(ledger, 'eligible')]).toEqual([undefined, ['1.1 short']]);
    await ledger.commitOld([old(at(1n, 1, 'short'), there)]);
    expect([...(await ledger.privateData.ofBlock(1n)).keys()]).toEqual([0, 1]);
    expect(await plain(ledger, 'short', 'k')).toBeUndefined();
    for (let number = 2; number <= 4; number += 1) await commit(ledger, []);
    expect([...(await ledger.privateData.ofBlock(1n)).keys()]).toEqual([]);
    const again = await run(ledger, 'tx3', put('c', { k: '1' }));
    await commit(ledger, [again], { codes: [BAD_PROPOSAL_TXID], keepsInvalid: false, atHand: [0] });
    expect([(await ledger.privateData.ofBlock(5n)).size, await missing(ledger, 'eligible')]).toEqual([0, []]);
  });

  it('is kept of a conflict that only the ledger found', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    const reading = await run(ledger, 'tx1', async (simulator) => {
      await simulator.getState('cc', 'read');
      put('c', { k: '1' })(simulator);
    });
    await commit(ledger, [await run(ledger, 'tx0', (simulator) => simulator.putState('cc', 'read', utf8('1')))]);
    const { flags } = await commit(ledger, [reading], { atHand: [0], keepsInvalid: false });
    expect([...flags]).toEqual([MVCC_READ_CONFLICT]);
    expect([[...(await ledger.privateData.ofBlock(2n)).keys()], await plain(ledger, 'c', 'k')]).toEqual([[0], undefined]);
  });
});

describe('private data that leaves no value in the state', () => {
  it.each([
    ['kept', [0, 1, 2, 3, 4]],
    ['missed', []],
  ])('expires with its collection as well, whether it is %s', async (_, atHand) => {
    {
      await using provider = await open();
      const ledger = await provider.create('channel', genesis());
      await commit(ledger, [await run(ledger, 'tx0', put('short', { k: 'v', other: 'v' }))], { atHand: [0] });
      const runs = [
        await run(ledger, 'tx1', (simulator) => simulator.deletePrivateData('cc', 'short', 'other')),
        await run(ledger, 'tx2', (simulator) => simulator.purgePrivateData('cc', 'short', 'k')),
        await run(ledger, 'tx3', (simulator) => simulator.setPrivateDataMetadata('cc', 'short', 'none', new Map([['m', utf8('v')]]))),
        await run(ledger, 'tx4', put('short', { twice: '1' })),
        await run(ledger, 'tx5', put('short', { twice: '2' })),
      ];
      await commit(ledger, runs, { atHand }); // block 2, due at 5
      const known = async () => [[...(await ledger.privateData.ofBlock(2n)).keys()], await missing(ledger, 'eligible')];
      for (let number = 3; number <= 4; number += 1) await commit(ledger, []);
      const absent = [4, 3, 2, 1, 0].filter((index) => !atHand.includes(index));
      expect(await known()).toEqual([atHand, absent.map((index) => `2.${index} short`)]);
      await commit(ledger, []);
      expect(await known()).toEqual([[], []]);
    }
    expect(await verified()).toEqual([]);
  });
});

describe('missing private data', () => {
  it('is told by blocks, the newest first, and what nobody had comes after the rest', async () => {
    await using provider = await open();
    const ledger = await provider.create('channel', genesis());
    for (let number = 1; number <= 3; number += 1) {
      const runs = [await run(ledger, `a${number}`, put('c', { a: '1' })), await run(ledger, `b${number}`, put('c', { b: '1' }))];
      await commit(ledger, runs);
    }
    expect(await missing(ledger, 'eligible', 2)).toEqual(['3.1 c', '3.0 c', '2.1 c', '2.0 c']);
    const rest = await ledger.privateData.missing('eligible', { below: 2n, blocks: 2 });
    expect(rest.map(named)).toEqual(['1.1 c', '1.0 c']);
    await ledger.setAside([at(3n, 1), at(2n, 0), at(8n, 0)]);
    expect(await missing(ledger, 'eligible')).toEqual(['3.0 c', '2.1 c', '1.1 c', '1.0 c']);
    expect(await missing(ledger, 'deprioritized')).toEqual(['3.1 c', '2.0 c']);
  });

  it('of a collection that the organisation became a member of can be asked for', async () => {
    let member = false;
    const mayHold = ({ collection }: { readonly collection: string }): boolean => collection !== 'theirs' || member;
    {
      await using provider = await open({ mayHold });
      const ledger = await provider.create('channel', genesis());
      await commit(ledger, [await run(ledger, 'tx1', put('theirs', { k: '1' })), await run(ledger, 'tx2', put('c', { k: '1' }))]);
      expect(await ledger.reviewEligibility()).toEqual([]);
      expect([await missing(ledger, 'eligible'), await missing(ledger, 'ineligible')]).toEqual([['1.1 c'], ['1.0 theirs']]);
    }
    member = true;
    await using provider = await open({ mayHold });
    const ledger = await provider.open('channel');
    expect(await ledger.reviewEligibility()).toEqual([{ namespace: 'cc', collection: 'theirs', sets: 1 }]);
    expect([await missing(ledger, 'eligible'), await missing(ledger, 'ineligible')]).toEqual([['1.1 c', '1.0 theirs'], []]);
    expect(await ledger.reviewEligibility()).toEqual([]);
  });
});
