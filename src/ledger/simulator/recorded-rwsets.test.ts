import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { hex, sha256 } from '../../common/bytes.ts';
import { common, kvrwset, protos, rwset } from '../../protos/messages.ts';
import type { Version } from '../version.ts';
import { keyHash } from './private-namespaces.ts';
import { RwsetBuilder } from './rwset-builder.ts';

interface JsonVersion {
  readonly block_num: string;
  readonly tx_num: string;
}
interface JsonRead {
  readonly key: string;
  readonly version: JsonVersion | null;
}
interface JsonEntry {
  readonly name: string;
  readonly value: string;
}
interface JsonRange {
  readonly start_key: string;
  readonly end_key: string;
  readonly itr_exhausted: boolean;
  readonly raw_reads?: { readonly kv_reads: readonly JsonRead[] };
  readonly reads_merkle_hashes?: { readonly max_degree: number; readonly max_level: number; readonly max_level_hashes: readonly string[] };
}
interface JsonNamespace {
  readonly namespace: string;
  readonly collection_hashed_rwset: readonly { readonly collection_name: string }[];
  readonly rwset: {
    readonly reads: readonly JsonRead[];
    readonly writes: readonly { readonly key: string; readonly is_delete: boolean; readonly value: string | null }[];
    readonly metadata_writes: readonly { readonly key: string; readonly entries: readonly JsonEntry[] | null }[];
    readonly range_queries_info: readonly JsonRange[];
  };
}
interface JsonLine {
  readonly block: number;
  readonly index: number;
  readonly undecodable?: boolean;
  readonly rwset?: { readonly ns_rwset: readonly JsonNamespace[] };
}
interface StateLine {
  readonly ns?: string;
  readonly key: string;
  readonly value: string | null;
}

const jsonLines = (path: string): unknown[] =>
  readFileSync(join(fixtures ?? '', path), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

const bytes = (base64: string | null): Uint8Array => Buffer.from(base64 ?? '', 'base64');
const version = (json: JsonVersion | null): Version | undefined =>
  json === null ? undefined : { blockNum: BigInt(json.block_num), txNum: BigInt(json.tx_num) };
const reads = (list: readonly JsonRead[]) => list.map(({ key, version: at }) => ({ key, version: version(at) }));

/** The `TxReadWriteSet` bytes as they stand in the block. */
function recordedRwset(network: string, { block, index }: JsonLine): Uint8Array {
  const envelope = common.Block.decode(readFixture(`${network}/blocks/peer/${block}.pb`)).data?.data[index] ?? new Uint8Array();
  const { data } = common.Payload.decode(common.Envelope.decode(envelope).payload);
  const [action] = protos.Transaction.decode(data).actions;
  const endorsed = protos.ChaincodeActionPayload.decode(action?.payload ?? new Uint8Array()).action;
  const response = protos.ProposalResponsePayload.decode(endorsed?.proposalResponsePayload ?? new Uint8Array());
  return protos.ChaincodeAction.decode(response.extension).results;
}

/** Calls the builder as a simulation would, last recorded first: the order of calls must not matter, save for ranges. */
function recordPublic(builder: RwsetBuilder, { namespace, rwset: set }: JsonNamespace): void {
  for (const { key, version: at } of set.reads.toReversed()) builder.addRead(namespace, key, version(at));
  for (const { key, is_delete: gone, value } of set.writes.toReversed()) builder.addWrite(namespace, key, gone ? undefined : bytes(value));
  for (const { key, entries } of set.metadata_writes.toReversed()) {
    builder.addMetadataWrite(namespace, key, new Map((entries ?? []).toReversed().map(({ name, value }) => [name, bytes(value)])));
  }
  for (const range of set.range_queries_info) {
    const merkle = range.reads_merkle_hashes;
    builder.addRangeQuery(namespace, {
      startKey: range.start_key,
      endKey: range.end_key,
      itrExhausted: range.itr_exhausted,
      rawReads: range.raw_reads && { kvReads: reads(range.raw_reads.kv_reads) },
      readsMerkleHashes: merkle && {
        maxDegree: merkle.max_degree,
        maxLevel: merkle.max_level,
        maxLevelHashes: merkle.max_level_hashes.map(bytes),
      },
    });
  }
}

/** Every private key and value the two peers still hold, by hash. */
function plainTexts(network: string): { keys: Map<string, string>; values: Map<string, Uint8Array> } {
  const lines = ['state-peer0.jsonl', 'state-peer1.jsonl'].flatMap((name) => jsonLines(`${network}/ledger/${name}`) as StateLine[]);
  const held = lines.filter(({ ns }) => ns?.includes('$$p'));
  const keys = held.map(({ key }) => Buffer.from(key, 'base64').toString('utf8'));
  const values = held.map(({ value }) => bytes(value));
  return {
    keys: new Map(keys.map((key) => [hex(keyHash(key)), key])),
    values: new Map(values.map((value) => [hex(sha256(value)), value])),
  };
}

/** Records a collection from what its hashes stand for. @returns whether all of them are known */
function recordCollection(
  builder: RwsetBuilder,
  namespace: string,
  set: rwset.CollectionHashedReadWriteSet,
  known: ReturnType<typeof plainTexts>,
): boolean {
  const { hashedReads, hashedWrites, metadataWrites } = kvrwset.HashedRWSet.decode(set.hashedRwset);
  const collection = set.collectionName;
  let complete = metadataWrites.length === 0;
  for (const { keyHash: hash, version: at } of hashedReads.toReversed()) {
    const key = known.keys.get(hex(hash));
    complete &&= key !== undefined;
    if (key !== undefined) builder.addHashedRead(namespace, collection, key, at);
  }
  for (const { keyHash: hash, isDelete, valueHash } of hashedWrites.toReversed()) {
    const key = known.keys.get(hex(hash));
    const value = isDelete ? new Uint8Array() : known.values.get(hex(valueHash));
    complete &&= key !== undefined && value !== undefined;
    if (key !== undefined) builder.addPrivateWrite(namespace, collection, key, value);
  }
  return complete;
}

/** Builds the set of one line anew; undefined when it hashes private data that no peer holds any more. */
function rebuilt(line: JsonLine, recorded: Uint8Array, known: ReturnType<typeof plainTexts>): Uint8Array | undefined {
  const builder = new RwsetBuilder();
  for (const namespace of line.rwset?.ns_rwset.toReversed() ?? []) recordPublic(builder, namespace);
  const collections = collectionsOf(recorded);
  const complete = collections.map(({ namespace, set }) => recordCollection(builder, namespace, set, known));
  return complete.includes(false) ? undefined : builder.build().publicRwset;
}

const collectionsOf = (recorded: Uint8Array) =>
  rwset.TxReadWriteSet.decode(recorded).nsRwset.flatMap(({ namespace, collectionHashedRwset }) =>
    collectionHashedRwset.map((set) => ({ namespace, set })),
  );

/** Made by hand to be refused: a namespace stands there twice, which no simulation records. */
const repeatsNamespace = ({ rwset: set }: JsonLine): boolean => {
  const names = set?.ns_rwset.map(({ namespace }) => namespace) ?? [];
  return new Set(names).size < names.length;
};

describe.skipIf(fixtures === undefined)('the recorded read-write sets', () => {
  it.each([
    { network: 'v1.1', withoutPrivate: 96, withPrivate: 0 },
    { network: 'v2.4', withoutPrivate: 63, withPrivate: 17 },
  ])('come out of the builder byte for byte ($network)', ({ network, withoutPrivate, withPrivate }) => {
    const known = plainTexts(network);
    const compared = { withoutPrivate: 0, withPrivate: 0 };
    for (const line of jsonLines(`${network}/rwsets.jsonl`) as JsonLine[]) {
      if (line.rwset === undefined || repeatsNamespace(line)) continue;
      const recorded = recordedRwset(network, line);
      const built = rebuilt(line, recorded, known);
      if (built === undefined) continue;
      expect(hex(built), `block ${line.block}, transaction ${line.index}`).toBe(hex(recorded));
      compared[collectionsOf(recorded).length === 0 ? 'withoutPrivate' : 'withPrivate'] += 1;
    }
    expect(compared).toEqual({ withoutPrivate, withPrivate });
  });
});
