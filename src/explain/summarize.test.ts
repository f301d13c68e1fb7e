import { describe, expect, it } from 'vitest';
import { blockOf } from '../../test/committer/transactions.ts';
import { envelope } from '../../test/explain/generated-chain.ts';
import { ListedBlocks } from '../../test/fakes/listed-blocks.ts';
import { MemoryState } from '../../test/fakes/memory-state.ts';
import { utf8 } from '../common/bytes.ts';
import { prepareCommit } from '../ledger/commit/prepare-commit.ts';
import { type common, kvrwset, rwset } from '../protos/messages.ts';
import { summarize } from './summarize.ts';
import { summaryLines } from './summary-lines.ts';

interface Load {
  readonly fn: string;
  /** Keys with the block and transaction of the version. */
  readonly reads: Readonly<Record<string, readonly [number, number] | undefined>>;
  readonly writes: Readonly<Record<string, unknown>>;
}

const incr = (at: readonly [number, number], value: number, more: Load['writes'] = {}): Load => ({
  fn: 'incr',
  reads: { counter: at },
  writes: { counter: value, ...more },
});

/** A seed, then calls that were all simulated on it: who loses what is in the test's expectations. */
const LOAD: readonly (readonly Load[])[] = [
  [
    { fn: 'seed', reads: {}, writes: { counter: 0, asset: { owner: 'a', price: 1, tags: ['x'] } } },
    { fn: 'seed', reads: {}, writes: { other: 0 } },
  ],
  [
    incr([1, 0], 1),
    incr([1, 0], 1),
    incr([1, 0], 1, { log: 'a' }),
    { fn: 'incrOnce', reads: { counter: [1, 0], log: undefined }, writes: { counter: 1, log: 'b' } },
    { fn: 'transfer', reads: { asset: [1, 0] }, writes: { asset: { owner: 'b', price: 1, tags: ['x'] } } },
    { fn: 'reprice', reads: { asset: [1, 0] }, writes: { asset: { owner: 'a', price: 9, tags: ['x'] } } },
    { fn: 'transfer', reads: { asset: [1, 0] }, writes: { asset: { owner: 'c', price: 1, tags: ['x'] } } },
    { fn: 'look', reads: { asset: [1, 0] }, writes: {} },
    { fn: 'copy', reads: { counter: [1, 0] }, writes: { copied: 1 } },
    { fn: 'both', reads: { counter: [1, 0], asset: [1, 0] }, writes: { counter: 1, asset: {} } },
  ],
];

/** Commits the load as the ledger does; without a key it is as if nobody read or wrote that. */
async function committed(without?: string): Promise<{ readonly blocks: readonly common.Block[]; readonly valid: number }> {
  const memory = new MemoryState();
  const blocks = [blockOf(0n, [])];
  let valid = 0;
  for (const [at, calls] of LOAD.entries()) {
    const number = BigInt(at + 1);
    const block = blockOf(
      number,
      calls.map((call, index) => bytesOf(call, `${number}-${index}`, without)),
    );
    using snapshot = memory.snapshot();
    const { flags, updates } = await prepareCommit({ block, flags: new Uint8Array(calls.length), snapshot });
    await memory.commit(updates, { blockNum: number, txNum: 0n });
    blocks.push({ ...block, metadata: { metadata: [new Uint8Array(0), new Uint8Array(0), flags] } });
    valid += flags.filter((flag) => flag === 0).length;
  }
  return { blocks, valid };
}

function bytesOf({ fn, reads, writes }: Load, txId: string, without: string | undefined): Uint8Array {
  const set = kvrwset.KVRWSet.encode({
    reads: Object.entries(reads)
      .filter(([key]) => key !== without)
      .map(([key, at]) => ({ key, version: at && { blockNum: BigInt(at[0]), txNum: BigInt(at[1]) } })),
    writes: Object.entries(writes).map(([key, value]) => ({ key, value: utf8(JSON.stringify(value)) })),
  });
  return envelope(txId, 'cc', rwset.TxReadWriteSet.encode({ nsRwset: [{ namespace: 'cc', rwset: set }] }), fn);
}

const signal = new AbortController().signal;

describe('a summary of conflicts', () => {
  it('tells hot keys, who loses them to whom, and how many transactions each help would have saved', async () => {
    const { blocks } = await committed();
    const summary = await summarize(new ListedBlocks(blocks, { channelId: 'ch' }), { first: 0n, last: 2n }, { signal });
    expect(summaryLines(summary)).toEqual([
      'ch, blocks 0 to 2: 12 transactions, 8 invalid (66.7 %)',
      '       8  MVCC_READ_CONFLICT, last at 2:9',
      'hot keys',
      '       5  "counter" of cc: lost by incr of cc to incr of cc 2 times, by incrOnce of cc to incr of cc 1 times, and others',
      '       4  "asset" of cc: lost by reprice of cc to transfer of cc 1 times, by transfer of cc to transfer of cc 1 times, and others',
      'what would help',
      '       2  saved by delta keys instead of one number in "counter" of cc, added up when it is read',
      '       1  saved by reading "counter" of cc in another call than the one that writes, or not at all',
      '       1  saved by a key of its own for each part of "asset" of cc: owner, price',
      '       1  saved by evaluating what only reads "asset" of cc, instead of submitting it',
    ]);
  });

  it('counts as saved what is valid when the same load is committed without the key', async () => {
    const [all, without] = [await committed(), await committed('counter')];
    const { helps } = await summarize(new ListedBlocks(all.blocks), { first: 0n, last: 2n }, { signal });
    const saved = helps.filter(({ key }) => key[1] === 'counter').reduce((sum, each) => sum + each.saved, 0);
    expect(saved).toBe(without.valid - all.valid);
  });

  it('says how many lost to what came before the blocks that are looked at', async () => {
    const { blocks } = await committed();
    const later = [{ fn: 'late', reads: { other: [0, 9] as const }, writes: { other: 1 } }];
    const bytes = later.map((call) => bytesOf(call, '3-0', undefined));
    const last = { ...blockOf(3n, bytes), metadata: { metadata: [new Uint8Array(0), new Uint8Array(0), Uint8Array.of(11)] } };
    const summary = await summarize(new ListedBlocks([...blocks, last]), { first: 3n, last: 3n }, { signal });
    expect(summary).toMatchObject({ transactions: 1, unknown: 1, hotKeys: [] });
    expect(summaryLines(summary).join('\n')).toContain('1 lost to a transaction before these blocks: begin earlier with --from');
  });
});
