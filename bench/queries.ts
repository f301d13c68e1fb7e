/** Rich queries on the embedded store: what an index costs a put, and what queries take, in one process and on one disk. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Scope } from '../src/common/scope.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { FolderLedgerProvider } from '../src/ledger/ledger-provider.ts';
import type { QueryPage } from '../src/ledger/statedb/state.ts';
import { blockDataHash } from '../src/protos/hashes.ts';
import { common, kvrwset, protos, rwset } from '../src/protos/messages.ts';
import type { BenchOptions } from './options.ts';
import { say } from './say.ts';
import { median } from './statistics.ts';
import { figure, table } from './table.ts';

const DOCUMENTS = 100_000;
const DOCUMENT_BYTES = 300;
const PER_BLOCK = 500;
const NAMESPACE = 'cc';

const INDEXES = [['docType', 'owner'], ['size']].map((fields, at) => ({
  path: `${at}.json`,
  content: JSON.stringify({ index: { fields }, ddoc: `index${at}`, name: `index${at}` }),
}));

interface Query {
  readonly name: string;
  readonly query: object;
  readonly page?: QueryPage;
}

const QUERIES: readonly Query[] = [
  { name: 'equality by index, 10 results', query: { selector: { docType: 'asset', owner: 'owner 77' } } },
  { name: 'range by index, 10 results', query: { selector: { size: { $gte: 5000, $lt: 5010 } } } },
  {
    name: 'first page of 100, sorted',
    query: { selector: { size: { $gt: 0 } }, sort: [{ size: 'desc' }] },
    page: { size: 100, bookmark: '' },
  },
  { name: 'full scan, no result', query: { selector: { text: 'nothing' } } },
];

export interface QueryTimes {
  readonly name: string;
  /** Of the clock and of the processor; for a put, per transaction. */
  readonly ms: readonly number[];
  readonly cpuMs: readonly number[];
  /** The longest that the event loop was held, undefined for puts. */
  readonly heldMs: number | undefined;
}

export async function measureQueries({ rounds, quick }: Pick<BenchOptions, 'rounds' | 'quick'>): Promise<readonly QueryTimes[]> {
  const documents = quick ? DOCUMENTS / 50 : DOCUMENTS;
  await using scope = new Scope();
  say(`writing ${documents} documents without indexes and with two …`);
  const [bare, indexed] = [await opened(scope), await opened(scope)];
  await indexed.indexes?.deploy(NAMESPACE, INDEXES);
  const puts = { bare: emptyTimes('commit of a put, no index'), indexed: emptyTimes('commit of a put, two indexes') };
  for (let from = 0; from < documents; from += PER_BLOCK) {
    const transactions = Array.from({ length: PER_BLOCK }, (_, at) => put(from + at, documents));
    await timed(puts.bare, () => commit(bare, transactions), PER_BLOCK);
    await timed(puts.indexed, () => commit(indexed, transactions), PER_BLOCK);
  }
  await indexed.indexes?.built();
  const queries = QUERIES.map((query) => ({ query, times: emptyTimes(query.name) }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { query, times } of queries) {
      const into = round === 0 ? emptyTimes('warm-up') : times;
      await timed(into, () => ask(indexed, query), 1);
      times.heldMs = Math.max(times.heldMs ?? 0, into.heldMs ?? 0);
    }
  }
  return [{ ...puts.bare, heldMs: undefined }, { ...puts.indexed, heldMs: undefined }, ...queries.map(({ times }) => times)];
}

interface Times {
  readonly name: string;
  readonly ms: number[];
  readonly cpuMs: number[];
  heldMs: number | undefined;
}

const emptyTimes = (name: string): Times => ({ name, ms: [], cpuMs: [], heldMs: undefined });

async function opened(scope: Scope): Promise<Ledger> {
  const root = await mkdtemp(join(tmpdir(), 'selvage-bench-queries-'));
  scope.defer(() => rm(root, { recursive: true, force: true }));
  const provider = scope.use(await FolderLedgerProvider.open({ root, richQueries: { limits: { total: 100_000, internal: 1000 } } }));
  return provider.create(
    'channel',
    blockOf({ number: 0n, previousHash: new Uint8Array(0) }, [transaction(common.HeaderType.MESSAGE, 'genesis')]),
  );
}

const blockOf = (
  { number, previousHash }: { readonly number: bigint; readonly previousHash: Uint8Array },
  data: readonly Uint8Array[],
): common.Block => ({
  header: { number, previousHash, dataHash: blockDataHash({ data }) },
  data: { data },
  metadata: { metadata: [] },
});

function transaction(type: number, txId: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const channelHeader = common.ChannelHeader.encode({ type, channelId: 'channel', txId });
  return common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader }, data }) });
}

/** A transaction that puts one document. */
function put(at: number, documents: number): Uint8Array {
  const fields = { docType: 'asset', owner: `owner ${at % (documents / 10)}`, size: at, color: 'blue', appraisedValue: at * 3 };
  const text = 'x'.repeat(Math.max(0, DOCUMENT_BYTES - JSON.stringify(fields).length - 10));
  const writes = [{ key: `asset${at}`, value: Buffer.from(JSON.stringify({ ...fields, text })) }];
  const results = rwset.TxReadWriteSet.encode({ nsRwset: [{ namespace: NAMESPACE, rwset: kvrwset.KVRWSet.encode({ writes }) }] });
  const proposalResponsePayload = protos.ProposalResponsePayload.encode({ extension: protos.ChaincodeAction.encode({ results }) });
  const payload = protos.ChaincodeActionPayload.encode({ action: { proposalResponsePayload } });
  return transaction(common.HeaderType.ENDORSER_TRANSACTION, `tx${at}`, protos.Transaction.encode({ actions: [{ payload }] }));
}

async function commit(ledger: Ledger, data: readonly Uint8Array[]): Promise<void> {
  const { height: number, currentBlockHash: previousHash } = ledger.blocks.info();
  await ledger.commit({ block: blockOf({ number, previousHash }, data), flags: new Uint8Array(data.length), reasons: [] });
}

async function ask(ledger: Ledger, { query, page }: Query): Promise<void> {
  using snapshot = ledger.snapshot();
  using results = snapshot.query(NAMESPACE, JSON.stringify(query), page);
  while ((await results.next()) !== undefined);
}

async function timed(times: Times, work: () => Promise<void>, per: number): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const [cpu, since] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  times.ms.push((performance.now() - since) / per);
  times.cpuMs.push((user + system) / 1000 / per);
  delay.disable();
  times.heldMs = Math.max(times.heldMs ?? 0, delay.max / 1e6);
}

export function queriesTable(results: readonly QueryTimes[]): string {
  const rows = results.map(({ name, ms, cpuMs, heldMs }) => [
    name,
    figure(median(ms), 3),
    figure(median(cpuMs), 3),
    heldMs === undefined ? '-' : figure(heldMs),
  ]);
  const [bare, indexed] = results;
  const more = (median(indexed?.cpuMs ?? []) / median(bare?.cpuMs ?? []) - 1) * 100;
  const title = `Rich queries on ${DOCUMENTS} documents of ${DOCUMENT_BYTES} bytes; a committed transaction that puts one costs ${figure(more, 0)} % more processor time with two indexes`;
  return table(title, ['', 'ms', 'cpu ms', 'loop held, ms'], rows, 1);
}
