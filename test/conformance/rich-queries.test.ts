import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FolderLedgerProvider } from '../../src/ledger/ledger-provider.ts';
import { canonicalValue } from '../../src/ledger/statedb/rich/document-json.ts';
import { hasRecordedQueries, queryFixtureLines, readQueryFixture } from '../recorded-queries.ts';
import { decodedRwset, RecordedPeer, type Step, type StepResult } from './recorded-peer.ts';

interface Recorded {
  readonly n: number;
  readonly name: string;
  readonly steps: readonly Step[];
  readonly result: readonly (StepResult & { readonly count?: number })[];
  readonly rwset: Readonly<Record<string, { readonly reads?: readonly unknown[]; readonly readsCount?: number }>>;
  readonly raw?: string;
  readonly block?: number;
}

interface Setup {
  readonly indexes: readonly object[];
  readonly collections: readonly { readonly name: string; readonly indexes: readonly object[] }[];
  readonly transactions: readonly { readonly block: number | string; readonly steps?: readonly Step[] }[];
}

/**
 * Single values are given back as they were put. A peer with CouchDB gives canonical JSON where it has to ask the database, and the
 * bytes that were put where its cache has them: its peers do not agree among themselves. Here the database was asked.
 */
const RAW_GETS: ReadonlySet<string> = new Set(['private get and query', 'values: get after the first put', 'values: get again']);

/** Lines too long to be recorded whole have `"..."` in place of what is in the middle. */
const abridged = (all: readonly unknown[], like: readonly unknown[] | undefined): readonly unknown[] =>
  like?.includes('...') === true ? [...all.slice(0, 3), '...', ...all.slice(-3)] : all;

async function withPeer(
  { richQueries, total, internal }: { readonly richQueries: boolean; readonly total: number; readonly internal: number },
  work: (peer: RecordedPeer) => Promise<void>,
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'selvage-recorded-queries-'));
  try {
    await using provider = await FolderLedgerProvider.open({
      root,
      simulator: { totalQueryLimit: total },
      richQueries: richQueries ? { limits: { total, internal } } : undefined,
    });
    const peer = await RecordedPeer.create(provider, { totalQueryLimit: total });
    const { indexes, collections, transactions } = JSON.parse(readQueryFixture('fabric/setup.json')) as Setup;
    const files = (list: readonly object[]) => list.map((each, at) => ({ path: `${at}.json`, content: JSON.stringify(each) }));
    expect((await peer.indexes?.deploy('richcc', files(indexes))) ?? []).toEqual([]);
    for (const { name, indexes: own } of collections)
      expect((await peer.indexes?.deploy(`richcc$$p${name}`, files(own))) ?? []).toEqual([]);
    for (const { block, steps } of transactions) if (steps !== undefined) expect(Number(await peer.commit(steps))).toBe(block);
    await work(peer);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** What is recorded, and what a peer here does, in the same form. */
async function compared(peer: RecordedPeer, recorded: Recorded, rawGets: boolean): Promise<readonly [unknown, unknown]> {
  const { results, simulation } = await peer.endorse(recorded.steps);
  const result = results.map((each, at) => {
    if (each.value !== undefined && rawGets) return { value: canonical(each.value) };
    const like = recorded.result[at];
    if (each.results === undefined || like?.results === undefined) return each;
    const counted = like.count === undefined ? {} : { count: each.results.length };
    return { ...each, results: abridged(each.results, like.results), ...counted };
  });
  const { raw, rwset } = recorded;
  if (recorded.block !== undefined) expect(Number(await peer.commit(recorded.steps))).toBe(recorded.block);
  if (raw !== undefined)
    return [
      { result: recorded.result, raw },
      { result, raw: Buffer.from(simulation.publicRwset).toString('base64') },
    ];
  const reads = decodedRwset(simulation)['richcc']?.reads ?? [];
  const like = rwset['richcc'];
  return [
    { result: recorded.result, reads: like?.reads, count: like?.readsCount },
    { result, reads: abridged(reads, like?.reads), count: reads.length },
  ];
}

const canonical = (base64: string): string => Buffer.from(canonicalValue(Buffer.from(base64, 'base64'))).toString('base64');

/** Without members that are undefined. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

async function judge(peer: RecordedPeer, lines: readonly Recorded[], rawGets: ReadonlySet<string> = new Set()): Promise<void> {
  const differing: unknown[] = [];
  for (const recorded of lines) {
    const [wanted, found] = await compared(peer, recorded, rawGets.has(recorded.name));
    if (!isDeepStrictEqual(plain(found), plain(wanted))) differing.push({ n: recorded.n, name: recorded.name, wanted, found });
  }
  expect(differing).toEqual([]);
}

const puts = (kv: NonNullable<Step['kv']>): readonly Step[] => [{ op: 'puts', kv }];
const fiveDigits = (number: number): string => String(number).padStart(5, '0');

/** The state that the later recordings begin with. */
async function prepareMany(peer: RecordedPeer): Promise<void> {
  for (const { block, steps } of queryFixtureLines<Recorded>('fabric/default.jsonl')) if (block !== undefined) await peer.commit(steps);
  await peer.commit(
    puts(
      Array.from({ length: 1250 }, (_, i) => [`n${fiveDigits((i * 7919) % 10_007)}`, JSON.stringify({ n: i, s: String(i % 7) })] as const),
    ),
  );
}

const values = queryFixtureLines<{ readonly put: string; readonly query: string }>('fabric/values.jsonl');

describe.runIf(hasRecordedQueries)('proposals that a peer of Fabric 2.5.16 endorsed', () => {
  const usual = { total: 100_000, internal: 1000 };

  it('on CouchDB come out the same on a peer with rich queries', async () => {
    await withPeer({ richQueries: true, ...usual }, async (peer) =>
      judge(peer, queryFixtureLines<Recorded>('fabric/default.jsonl'), RAW_GETS),
    );
  });

  it('on LevelDB come out the same on a peer without', async () => {
    await withPeer({ richQueries: false, ...usual }, async (peer) => judge(peer, queryFixtureLines<Recorded>('fabric/leveldb.jsonl')));
  });

  it('over many documents come out the same', async () => {
    await withPeer({ richQueries: true, ...usual }, async (peer) => {
      await prepareMany(peer);
      await judge(peer, queryFixtureLines<Recorded>('fabric/many.jsonl'));
    });
  });

  it('with small limits come out the same', async () => {
    await withPeer({ richQueries: true, total: 25, internal: 10 }, async (peer) => {
      await prepareMany(peer);
      await peer.commit(puts(values.map(({ put }, at) => [`w${String(at).padStart(3, '0')}`, put] as const)));
      await judge(peer, queryFixtureLines<Recorded>('fabric/small-limits.jsonl'));
    });
  });

  it('give back each value as canonical JSON in queries', async () => {
    await withPeer({ richQueries: true, ...usual }, async (peer) => {
      await peer.commit(puts(values.map(({ put }, at) => [`w${at}`, put] as const)));
      for (const [at, { put, query }] of values.entries()) {
        const { results } = await peer.endorse([{ op: 'q', query: JSON.stringify({ selector: { _id: `w${at}` } }) }]);
        const [[, value] = []] = results[0]?.results ?? [];
        expect([put, Buffer.from(value ?? '', 'base64').toString('utf8')]).toEqual([put, query]);
      }
    });
  });
});
