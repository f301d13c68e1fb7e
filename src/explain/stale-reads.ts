import { compareUtf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { flagsOf } from '../ledger/block-metadata.ts';
import type { Conflict } from '../ledger/commit/conflict.ts';
import { findConflict } from '../ledger/commit/mvcc.ts';
import { Pace } from '../ledger/commit/pace.ts';
import { hashedSpace, publicSpace, stateNamespace } from '../ledger/commit/pending-state.ts';
import type { Transaction } from '../ledger/commit/transaction.ts';
import { stateKeyOfHash } from '../ledger/simulator/private-namespaces.ts';
import type { StateValue } from '../ledger/statedb/state.ts';
import type { Version } from '../ledger/version.ts';
import { protos } from '../protos/messages.ts';
import type { Place } from './call.ts';
import type { ExplainedBlocks } from './explained-blocks.ts';
import { blockAt, type LookedBack, type Looking, lookBack } from './look-back.ts';
import { changedRange } from './merkle-range.ts';
import { lastChange, pendingAt, type Reader, type StateKey } from './reader.ts';
import { type Assumed, StateBefore } from './state-before.ts';
import { type KeyRange, Touches, touchesOf } from './touches.ts';

/** What came between a transaction's reading and its turn. */
export interface StaleRead {
  readonly conflict: Conflict;
  /** Who wrote what was found, or deleted what was read; undefined where that is further back than was looked. */
  readonly winner: Place | undefined;
  /** Whether {@link winner} is only the newest of those that may be it. */
  readonly perhaps: boolean;
  readonly looked: LookedBack;
}

/** Nothing came between, as far as was looked. */
export interface NothingStale {
  readonly looked: LookedBack;
  readonly conflict?: undefined;
}

const { MVCC_READ_CONFLICT } = protos.TxValidationCode;

/** So many blocks are read before an answer does that a read of an earlier place could still beat. */
const ENOUGH = 256n;

/**
 * Finds what the committer found when it judged the reads of a transaction, with the committer's own checks, on a state made of the blocks
 * before. All reads of a transaction are of one state, which was not before the newest version that it read: what invalidated it lies
 * between that version's block and its own. Only where nothing lies there, because endorsers told of a state that never was, or where a
 * Merkle summary hides which keys were read, blocks are read to the first one.
 * @returns undefined where nothing is stale as far as was looked
 */
export async function findStaleRead(reader: Reader, blocks: ExplainedBlocks, looking: Looking): Promise<StaleRead | NothingStale> {
  const judged = relevant(reader);
  if (hasSummaries(judged)) return searchSummaries(reader, judged, blocks, looking);
  const honest = { trusted: true, assumed: readValues(judged), lowest: newestRead(reader.transaction) + 1n };
  const found = await search(reader, judged, honest, blocks, looking);
  if (found.conflict !== undefined && (await wasMade(found.conflict, blocks, looking))) return found;
  if (found.conflict === undefined && found.looked !== 'done') return found;
  return search(reader, judged, { trusted: false, assumed: new Map(), lowest: 0n }, blocks, looking);
}

/** What is taken for granted: what keys were at the lowest block that is read. */
interface Ground {
  /** Whether what the endorsers told is taken for true: else only what blocks show counts. */
  readonly trusted: boolean;
  readonly assumed: Assumed;
  readonly lowest: bigint;
}

async function search(
  reader: Reader,
  judged: Transaction,
  { trusted, assumed, lowest }: Ground,
  blocks: ExplainedBlocks,
  looking: Looking,
): Promise<StaleRead | NothingStale> {
  const touches = new Touches({ ranges: rangesOf(judged) });
  for (const [namespace, key] of pointReads(judged)) touches.want(namespace, key);
  const check = (): Promise<Conflict | undefined> => conflictOn(new StateBefore(touches, { assumed }), reader, judged);
  const enough = async (read: bigint) => touches.settled || (trusted && read >= ENOUGH && (await check()) !== undefined);
  const from = (reader.block.header?.number ?? 0n) - 1n;
  const looked = await lookBack(blocks, touches, { from, lowest, enough }, looking);
  const known = looked === 'done' || trusted || touches.settled;
  const conflict = known ? await check() : undefined;
  if (conflict === undefined) return { looked };
  const [namespace, key] = contestedKey(conflict.details);
  return { conflict, winner: lastChange(reader, touches, [namespace, key], assumed.get(namespace)?.get(key)), perhaps: false, looked };
}

async function searchSummaries(
  reader: Reader,
  judged: Transaction,
  blocks: ExplainedBlocks,
  looking: Looking,
): Promise<StaleRead | NothingStale> {
  const touches = new Touches({ ranges: rangesOf(judged) });
  const from = (reader.block.header?.number ?? 0n) - 1n;
  const looked = await lookBack(blocks, touches, { from, lowest: 0n, enough: () => false }, looking);
  const conflict = await conflictOn(new StateBefore(touches), reader, judged);
  return conflict === undefined ? { looked } : { ...(await changedRange(conflict, reader, touches, looked === 'done')), looked };
}

/** The reads of the kind that its code speaks of; those of the other kind were found to be well, or not looked at. */
function relevant({ block, index, transaction }: Reader): Transaction {
  const points = flagsOf(block)[index] === MVCC_READ_CONFLICT;
  const namespaces = transaction.namespaces.map(({ namespace, kv, collections }) => ({
    namespace,
    kv: { ...kv, reads: points ? kv.reads : [], rangeQueriesInfo: points ? [] : kv.rangeQueriesInfo },
    collections: points ? collections : [],
  }));
  return { ...transaction, namespaces };
}

/** The committer's check of a transaction's reads, on this state and what the block's earlier transactions made of it. */
async function conflictOn(state: StateBefore, reader: Reader, judged: Transaction): Promise<Conflict | undefined> {
  const pending = await pendingAt(state, reader);
  return findConflict(judged, { state: pending, pace: new Pace() });
}

export function* pointReads({
  namespaces,
}: Transaction): Generator<readonly [namespace: string, key: string, version: Version | undefined]> {
  for (const { namespace, kv, collections } of namespaces) {
    for (const { key, version } of kv.reads) yield [stateNamespace(publicSpace(namespace)), key, version];
    for (const { collection, hashed } of collections)
      for (const { keyHash, version } of hashed.hashedReads)
        yield [stateNamespace(hashedSpace(namespace, collection)), stateKeyOfHash(keyHash), version];
  }
}

function* rangeReads({ namespaces }: Transaction): Generator<readonly [namespace: string, key: string, version: Version | undefined]> {
  for (const { namespace, kv } of namespaces)
    for (const { rawReads } of kv.rangeQueriesInfo) for (const { key, version } of rawReads?.kvReads ?? []) yield [namespace, key, version];
}

/** Block of the newest version that was read; -1 where none was. */
export function newestRead(transaction: Transaction): bigint {
  let newest = -1n;
  for (const reads of [pointReads(transaction), rangeReads(transaction)])
    for (const [, , version] of reads) if (version !== undefined && version.blockNum > newest) newest = version.blockNum;
  return newest;
}

const NOTHING = new Uint8Array(0);

function readValues(transaction: Transaction): Assumed {
  const values = new Map<string, Map<string, StateValue>>();
  for (const reads of [rangeReads(transaction), pointReads(transaction)])
    for (const [namespace, key, version] of reads) {
      const known = values.get(namespace) ?? new Map<string, StateValue>();
      values.set(namespace, known);
      if (version !== undefined) known.set(key, { value: NOTHING, version });
    }
  return values;
}

export const rangesOf = ({ namespaces }: Transaction): readonly KeyRange[] =>
  namespaces.flatMap(({ namespace, kv }) =>
    kv.rangeQueriesInfo.map(({ startKey, endKey, itrExhausted }) => ({
      namespace,
      start: startKey,
      end: endKey,
      includeEnd: !itrExhausted,
    })),
  );

/** Whether a range says what was read in it by a Merkle summary alone. */
const hasSummaries = ({ namespaces }: Transaction): boolean =>
  namespaces.some(({ kv }) => kv.rangeQueriesInfo.some(({ readsMerkleHashes }) => readsMerkleHashes !== undefined));

/** Whether the version that was read is one that the key ever had: endorsers can claim what they like. */
async function wasMade({ details }: Conflict, blocks: ExplainedBlocks, { signal }: Looking): Promise<boolean> {
  const [number, index] = String(details['versionRead'] ?? 'none').split(':');
  if (number === undefined || index === undefined) return true; // it was not there
  const [namespace, key] = keyRead(details);
  const block = await blockAt(blocks, BigInt(number), signal).catch((thrown: unknown) => {
    if (thrown instanceof SelvageError && thrown.code === 'NOT_FOUND') return undefined; // a peer without old blocks
    throw thrown;
  });
  if (block === undefined) return true;
  return [...touchesOf(block)].some((touch) => touch.namespace === namespace && touch.key === key && touch.at.index === Number(index));
}

/** The key that was read, which is not the one that is found where another one appeared before it. */
const keyRead = (details: Conflict['details']): StateKey =>
  details['keyRead'] === undefined ? contestedKey(details) : [String(details['namespace']), String(details['keyRead'])];

/** The key of the state that a conflict is about: of a range query the first one that is there, gone or changed against what was read. */
function contestedKey(details: Conflict['details']): StateKey {
  const text = (name: string): string | undefined => (details[name] === undefined ? undefined : String(details[name]));
  const namespace = text('namespace') ?? '';
  const hash = text('keyHash');
  if (hash !== undefined)
    return [stateNamespace(hashedSpace(namespace, text('collection') ?? '')), Buffer.from(hash, 'hex').toString('latin1')];
  const [key, read] = [text('key'), text('keyRead')];
  if (key === undefined || (read !== undefined && compareUtf8(read, key) < 0)) return [namespace, read ?? ''];
  return [namespace, key];
}
