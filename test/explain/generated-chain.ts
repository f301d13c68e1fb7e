/** Chains of random transactions that read stale state now and then, committed by the ledger's own code, and what became of each read. */
import fc from 'fast-check';
import { compareUtf8, sha256, utf8 } from '../../src/common/bytes.ts';
import { prepareCommit } from '../../src/ledger/commit/prepare-commit.ts';
import { keyHash, stateKeyOfHash } from '../../src/ledger/simulator/private-namespaces.ts';
import { QueryReads } from '../../src/ledger/simulator/query-reads.ts';
import { sameVersion, type Version } from '../../src/ledger/version.ts';
import { common, kvrwset, protos, rwset } from '../../src/protos/messages.ts';
import { blockOf } from '../committer/transactions.ts';
import { MemoryState } from '../fakes/memory-state.ts';

const KEYS = ['a', 'b', 'c', 'd', 'e', '\u0000car\u0000red\u0000'];
const NAMESPACES = ['cc', 'other'];
const COLLECTION = 'secret';

const operation = fc.oneof(
  fc.record({ does: fc.constant('read' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ does: fc.constant('put' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ does: fc.constant('delete' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ does: fc.constant('policy' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ does: fc.constant('readHash' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ does: fc.constant('putHash' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({
    does: fc.constant('range' as const),
    start: fc.constantFrom('', 'a', 'b'),
    end: fc.constantFrom('', 'c', 'e'),
    most: fc.constantFrom(1, 2, 99),
    degree: fc.constantFrom(2, 50),
  }),
);

export const chains = fc.array(
  fc.array(
    fc.record({
      namespace: fc.constantFrom(...NAMESPACES),
      /** How many blocks behind it was simulated. */
      lag: fc.constantFrom(0, 0, 0, 1, 2, 5),
      /** Whether the endorsers told of versions that never were. */
      lies: fc.constantFrom(false, false, false, false, false, false, true),
      operations: fc.array(operation, { minLength: 1, maxLength: 5 }),
    }),
    { minLength: 1, maxLength: 7 },
  ),
  { minLength: 2, maxLength: 14 },
);
export type ChainSpec = typeof chains extends fc.Arbitrary<infer T> ? T : never;

/** Versions by namespace of the state and key. */
type State = ReadonlyMap<string, Version>;
const id = (namespace: string, key: string): string => `${namespace}\n${key}`;

/** Who touched a key last, deletes included. */
type Writers = Map<string, { readonly block: bigint; readonly index: number }>;

export interface ExpectedConflict {
  readonly block: bigint;
  readonly index: number;
  readonly code: number;
  /** Undefined where nobody ever touched what endorsers claim to have read. */
  readonly winner: { readonly block: bigint; readonly index: number } | undefined;
  /** Where the endorsers told of versions that never were: who touched anything that it read. */
  readonly others: readonly (ExpectedConflict['winner'] | undefined)[] | undefined;
}

export interface GeneratedChain {
  readonly blocks: readonly common.Block[];
  readonly conflicts: readonly ExpectedConflict[];
}

/** Makes the chain block by block; what invalidated a transaction is read off the plain list of what every one before it did. */
export async function makeChain(spec: ChainSpec): Promise<GeneratedChain> {
  const memory = new MemoryState();
  const states: State[] = [new Map()];
  const writers: Writers = new Map();
  const blocks: common.Block[] = [blockOf(0n, [])];
  const conflicts: ExpectedConflict[] = [];
  for (const [at, transactions] of spec.entries()) {
    const number = BigInt(at + 1);
    const simulated = transactions.map((each, index) =>
      simulate(each, states[Math.max(0, states.length - 1 - each.lag)] ?? new Map(), `${number}-${index}`),
    );
    const block = blockOf(
      number,
      simulated.map(({ bytes }) => bytes),
    );
    using snapshot = memory.snapshot();
    const { flags, updates } = await prepareCommit({ block, flags: new Uint8Array(simulated.length), snapshot });
    await memory.commit(updates, { blockNum: number, txNum: 0n });
    blocks.push({ ...block, metadata: { metadata: [new Uint8Array(0), new Uint8Array(0), flags] } });
    const current = new Map(states.at(-1));
    const touched = new Set<string>();
    for (const [index, { reads, ranges, effects }] of simulated.entries()) {
      const contested = staleKey(reads, ranges, current, touched);
      const code = flags[index] ?? 0;
      if (code !== 0) {
        if (contested === undefined) throw new Error(`nothing explains the code ${code} of ${number}:${index}`);
        const others = transactions[index]?.lies ? [...reads.map(({ key }) => writers.get(key)), ...inRanges(ranges, writers)] : undefined;
        conflicts.push({ block: number, index, code, winner: writers.get(contested), others });
        continue;
      }
      if (contested !== undefined) throw new Error(`${number}:${index} is valid in spite of ${contested}`);
      for (const { key, does } of effects) {
        if (does === 'policy' && !current.has(key)) continue;
        if (does === 'delete') current.delete(key);
        else current.set(key, { blockNum: number, txNum: BigInt(index) });
        writers.set(key, { block: number, index });
        touched.add(key);
      }
    }
    states.push(current);
  }
  return { blocks, conflicts };
}

interface Range {
  readonly namespace: string;
  readonly inside: (key: string) => boolean;
  readonly seen: readonly (readonly [key: string, version: Version])[];
}

interface Simulated {
  readonly bytes: Uint8Array;
  readonly reads: readonly { readonly key: string; readonly version: Version | undefined }[];
  readonly ranges: readonly Range[];
  readonly effects: readonly { readonly key: string; readonly does: 'put' | 'delete' | 'policy' }[];
}

function simulate({ namespace, operations, lies }: ChainSpec[number][number], state: State, txId: string): Simulated {
  const hashed = `${namespace}$$h${COLLECTION}`;
  const version = (key: string): Version | undefined => (lies ? { blockNum: 1n, txNum: 99n } : state.get(key));
  const kv = {
    reads: [] as kvrwset.KVReadInit[],
    writes: [] as kvrwset.KVWriteInit[],
    metadataWrites: [] as kvrwset.KVMetadataWriteInit[],
  };
  const rangeQueriesInfo: kvrwset.RangeQueryInfoInit[] = [];
  const collection = { hashedReads: [] as kvrwset.KVReadHashInit[], hashedWrites: [] as kvrwset.KVWriteHashInit[] };
  const reads: Simulated['reads'][number][] = [];
  const hashedReads: Simulated['reads'][number][] = [];
  const ranges: Simulated['ranges'][number][] = [];
  const effects = new Map<string, Simulated['effects'][number]>();
  const once = new Set<string>();
  for (const each of operations) {
    if (each.does === 'range') {
      const inside = (key: string): boolean => compareUtf8(key, each.start) >= 0 && (each.end === '' || compareUtf8(key, each.end) < 0);
      const all = entriesOf(state, namespace).filter(([key]) => inside(key));
      const seen = all.slice(0, each.most);
      const exhausted = all.length < each.most || each.most === 99;
      const last = seen.at(-1)?.[0];
      const endKey = exhausted ? each.end : (last ?? each.end);
      const summary = new QueryReads({ maxDegree: each.degree });
      for (const [key, found] of seen) summary.add({ key, version: found });
      const { rawReads, readsMerkleHashes } = summary.finish();
      rangeQueriesInfo.push({ startKey: each.start, endKey, itrExhausted: exhausted, rawReads, readsMerkleHashes });
      ranges.push({ namespace, inside: (key) => (exhausted ? inside(key) : inside(key) && compareUtf8(key, last ?? '') <= 0), seen });
      continue;
    }
    const { does, key } = each;
    if (once.has(`${does} ${key}`)) continue;
    once.add(`${does} ${key}`);
    if (does === 'read') {
      kv.reads.push({ key, version: version(id(namespace, key)) });
      reads.push({ key: id(namespace, key), version: version(id(namespace, key)) });
    } else if (does === 'readHash') {
      const name = id(hashed, stateKeyOfHash(keyHash(key)));
      collection.hashedReads.push({ keyHash: keyHash(key), version: version(name) });
      hashedReads.push({ key: name, version: version(name) });
    } else if (does === 'putHash') {
      const name = id(hashed, stateKeyOfHash(keyHash(key)));
      collection.hashedWrites.push({ keyHash: keyHash(key), isDelete: false, valueHash: sha256(utf8(txId)) });
      effects.set(name, { key: name, does: 'put' });
    } else if (does === 'policy') {
      kv.metadataWrites.push({ key, entries: [{ name: 'VALIDATION_PARAMETER', value: utf8(txId) }] });
      if (!effects.has(id(namespace, key))) effects.set(id(namespace, key), { key: id(namespace, key), does });
    } else {
      if (once.has(`${does === 'put' ? 'delete' : 'put'} ${key}`)) continue; // of several writes of a key one stands
      kv.writes.push({ key, isDelete: does === 'delete', value: does === 'put' ? utf8(txId) : undefined });
      effects.set(id(namespace, key), { key: id(namespace, key), does });
    }
  }
  const results = rwset.TxReadWriteSet.encode({
    nsRwset: [
      {
        namespace,
        rwset: kvrwset.KVRWSet.encode({ ...kv, rangeQueriesInfo }),
        collectionHashedRwset: [{ collectionName: COLLECTION, hashedRwset: kvrwset.HashedRWSet.encode(collection) }],
      },
    ],
  });
  return { bytes: envelope(txId, namespace, results), reads: [...reads, ...hashedReads], ranges, effects: [...effects.values()] };
}

const entriesOf = (state: State, namespace: string): readonly (readonly [string, Version])[] =>
  [...state]
    .flatMap(([key, version]) => (key.startsWith(`${namespace}\n`) ? [[key.slice(namespace.length + 1), version] as const] : []))
    .sort(([a], [b]) => compareUtf8(a, b));

const inRanges = (ranges: Simulated['ranges'], writers: Writers): readonly ExpectedConflict['winner'][] =>
  ranges.flatMap(({ namespace }) => [...writers].flatMap(([key, winner]) => (key.startsWith(`${namespace}\n`) ? [winner] : [])));

/** By the rule book: the first read, then the first range, then the first hashed read that is no longer so. */
function staleKey(
  reads: Simulated['reads'],
  ranges: Simulated['ranges'],
  current: State,
  touched: ReadonlySet<string>,
): string | undefined {
  const stale = ({ key, version }: Simulated['reads'][number]): boolean => touched.has(key) || !sameVersion(version, current.get(key));
  const isHash = ({ key }: { readonly key: string }): boolean => key.includes('$$h');
  const read = reads.find((each) => !isHash(each) && stale(each));
  if (read !== undefined) return read.key;
  const range = ranges.map((each) => phantomKey(each, current)).find((key) => key !== undefined);
  return range ?? reads.find((each) => isHash(each) && stale(each))?.key;
}

/** The first key, in order, that the query would now find, not find, or find changed. */
function phantomKey({ namespace, inside, seen }: Range, current: State): string | undefined {
  const before = new Map(seen);
  const now = new Map(entriesOf(current, namespace).filter(([key]) => inside(key)));
  const key = [...new Set([...before.keys(), ...now.keys()])]
    .sort(compareUtf8)
    .find((each) => !sameVersion(before.get(each), now.get(each)));
  return key === undefined ? undefined : id(namespace, key);
}

/** A transaction that nobody signed. @param results `rwset.TxReadWriteSet` bytes */
export function envelope(txId: string, chaincode: string, results: Uint8Array, fn = `fn-${txId}`): Uint8Array {
  const extension = protos.ChaincodeAction.encode({ results, chaincodeId: { name: chaincode, version: '1' } });
  const payload = protos.ChaincodeActionPayload.encode({
    chaincodeProposalPayload: protos.ChaincodeProposalPayload.encode({
      input: protos.ChaincodeInvocationSpec.encode({
        chaincodeSpec: { chaincodeId: { name: chaincode }, input: { args: [utf8(fn), utf8('1')] } },
      }),
    }),
    action: { proposalResponsePayload: protos.ProposalResponsePayload.encode({ extension }), endorsements: [] },
  });
  const header = {
    channelHeader: common.ChannelHeader.encode({ type: common.HeaderType.ENDORSER_TRANSACTION, channelId: 'channel', txId }),
    signatureHeader: common.SignatureHeader.encode({ creator: utf8('x'), nonce: utf8(txId) }),
  };
  return common.Envelope.encode({
    payload: common.Payload.encode({ header, data: protos.Transaction.encode({ actions: [{ payload }] }) }),
  });
}
