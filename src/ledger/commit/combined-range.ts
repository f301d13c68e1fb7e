import { compareUtf8 } from '../../common/bytes.ts';
import type { StateEntry, StateIterator } from '../statedb/state.ts';
import type { PendingEntry } from './namespace-updates.ts';
import { type PendingState, type Space, stateNamespace } from './pending-state.ts';

export interface Bounds {
  /** Inclusive. */
  readonly start: string;
  /** '' is open. */
  readonly end: string;
  /** Whether `end` itself belongs to the range, as it does for a scan that was not exhausted: it is the last key seen. */
  readonly includeEnd: boolean;
}

/** An entry of the state, with the transaction of this block that wrote it, if one did. */
export interface CombinedEntry extends StateEntry {
  readonly writtenBy: string | undefined;
}

/**
 * A range of the state as it is after the block's transactions so far: their updates cover what was committed, their
 * deletes hide it. A generator: leave it early and the cursor is closed.
 * @see combinedIterator in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/validation/combined_iterator.go
 */
export async function* combinedRange(state: PendingState, space: Space, bounds: Bounds): AsyncGenerator<CombinedEntry, undefined> {
  const { start, end, includeEnd } = bounds;
  if (end === '' || compareUtf8(start, end) < 0) yield* merged(state, space, start, end);
  if (!includeEnd) return;
  const last = await entryAt(state, space, end);
  if (last !== undefined) yield last;
}

async function* merged(state: PendingState, space: Space, start: string, end: string): AsyncGenerator<CombinedEntry, undefined> {
  using cursor = state.snapshot.range(stateNamespace(space), start, end);
  const updates = state.updatesOf(space)?.range(start, end);
  let committed = await step(cursor);
  let pending = updates?.next().value;
  while (committed !== undefined || pending !== undefined) {
    const order = committed === undefined ? 1 : pending === undefined ? -1 : compareUtf8(committed.key, pending.key);
    const entry = order < 0 ? committed && { ...committed, writtenBy: undefined } : pending && visible(pending);
    if (entry !== undefined) yield entry;
    if (order <= 0) committed = await step(cursor);
    if (order >= 0) pending = updates?.next().value;
  }
}

const step = (cursor: StateIterator): StateEntry | undefined | Promise<StateEntry | undefined> => cursor.next();

const visible = ({ key, value, txId }: PendingEntry): CombinedEntry | undefined => value && { ...value, key, writtenBy: txId };

async function entryAt(state: PendingState, space: Space, key: string): Promise<CombinedEntry | undefined> {
  const update = state.updatesOf(space)?.get(key);
  if (update !== undefined) return visible({ key, ...update });
  const value = (await state.committed(space, [key])).get(key);
  return value && { ...value, key, writtenBy: undefined };
}
