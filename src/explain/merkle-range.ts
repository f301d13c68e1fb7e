import { compareUtf8 } from '../common/bytes.ts';
import { combinedRange } from '../ledger/commit/combined-range.ts';
import { type Conflict, versionText } from '../ledger/commit/conflict.ts';
import { Pace } from '../ledger/commit/pace.ts';
import { PendingState, publicSpace } from '../ledger/commit/pending-state.ts';
import { checkRange } from '../ledger/commit/range-check.ts';
import { sameVersion, type Version } from '../ledger/version.ts';
import type { kvrwset } from '../protos/messages.ts';
import type { Place } from './call.ts';
import { lastChange, pendingAt, type Reader } from './reader.ts';
import { StateBefore } from './state-before.ts';
import { inRange, type KeyRange, type Touches, touchesOf } from './touches.ts';

/** A range query that had other results when its transaction's turn came. */
export interface ChangedRange {
  readonly conflict: Conflict;
  readonly winner: Place | undefined;
  /** Whether the winner is only the newest of those that may be it. */
  readonly perhaps: boolean;
}

interface Query extends KeyRange {
  readonly query: kvrwset.RangeQueryInfo;
}

/** So far back it is known how a range was at each block; see `Touches`. */
const KEPT_BLOCKS = 256n;

/**
 * What came between, where a transaction has only a Merkle summary of what it read: the state is taken back, block by block, to where the
 * summary fits, and compared with what it became.
 * @param complete whether all blocks down to the first were read: else only the newest change can be named
 */
export async function changedRange(conflict: Conflict, reader: Reader, touches: Touches, complete: boolean): Promise<ChangedRange> {
  const queries = queriesOf(reader);
  const now = await pendingAt(new StateBefore(touches), reader);
  for (const each of complete ? queries : []) {
    if ((await checkRange({ state: now, pace: new Pace(), ...each })) === undefined) continue;
    const before = await stateRead(each, reader, touches);
    const difference = before && (await firstDifference(before, now, each));
    if (difference === undefined) break;
    const details = { namespace: each.namespace, startKey: each.query.startKey, endKey: each.query.endKey, ...difference.details };
    return { conflict: { ...conflict, details }, winner: lastChange(reader, touches, [each.namespace, difference.key]), perhaps: false };
  }
  return { conflict, winner: newestIn(queries, reader, touches), perhaps: true };
}

const queriesOf = ({ transaction }: Reader): readonly Query[] =>
  transaction.namespaces.flatMap(({ namespace, kv }) =>
    kv.rangeQueriesInfo.map((query) => ({ namespace, start: query.startKey, end: query.endKey, includeEnd: !query.itrExhausted, query })),
  );

/** The state that the query was run on, by trying those of the newest blocks. */
async function stateRead(query: Query, { block }: Reader, touches: Touches): Promise<PendingState | undefined> {
  const number = block.header?.number ?? 0n;
  const changed = touches.keysIn(query).flatMap((key) => touches.of(query.namespace, key).map(({ at }) => at.block - 1n));
  const heights = [...new Set([number - 1n, ...changed])].filter((height) => height < number && height + KEPT_BLOCKS > number);
  for (const until of heights.sort((a, b) => Number(b - a))) {
    const state = new PendingState(new StateBefore(touches, { until }));
    if ((await checkRange({ state, pace: new Pace(), ...query })) === undefined) return state;
  }
  return undefined;
}

interface Difference {
  readonly key: string;
  readonly details: Conflict['details'];
}

/** The first key, in order, that is new, gone or changed. */
async function firstDifference(before: PendingState, after: PendingState, query: Query): Promise<Difference | undefined> {
  const [read, found] = [await versionsIn(before, query), await versionsIn(after, query)];
  for (const key of [...new Set([...read.keys(), ...found.keys()])].sort(compareUtf8)) {
    const [was, is] = [read.get(key), found.get(key)];
    if (sameVersion(was, is)) continue;
    return {
      key,
      details: {
        ...(is !== undefined && { key, versionFound: versionText(is) }),
        ...(was !== undefined && { keyRead: key, versionRead: versionText(was) }),
      },
    };
  }
  return undefined;
}

async function versionsIn(state: PendingState, { namespace, start, end, includeEnd }: Query): Promise<ReadonlyMap<string, Version>> {
  const versions = new Map<string, Version>();
  for await (const { key, version } of combinedRange(state, publicSpace(namespace), { start, end, includeEnd })) versions.set(key, version);
  return versions;
}

function newestIn(ranges: readonly KeyRange[], { block, index }: Reader, touches: Touches): Place | undefined {
  let newest: Place | undefined;
  for (const touch of touchesOf(block, index))
    if (ranges.some((range) => range.namespace === touch.namespace && inRange(range, touch.key))) newest = touch.at;
  if (newest !== undefined) return newest;
  for (const range of ranges)
    for (const key of touches.keysIn(range)) {
      const at = touches.of(range.namespace, key)[0]?.at;
      if (at !== undefined && (newest === undefined || at.block > newest.block || (at.block === newest.block && at.index > newest.index)))
        newest = at;
    }
  return newest;
}
