import { flagsOf } from '../ledger/block-metadata.ts';
import { applyWrites, outcomeOf } from '../ledger/commit/apply-writes.ts';
import { Pace } from '../ledger/commit/pace.ts';
import { PendingState } from '../ledger/commit/pending-state.ts';
import { readTransaction, type Transaction } from '../ledger/commit/transaction.ts';
import type { StateValue } from '../ledger/statedb/state.ts';
import { type common, protos } from '../protos/messages.ts';
import type { Place } from './call.ts';
import type { StateBefore } from './state-before.ts';
import { type Touches, touchesOf } from './touches.ts';

/** A transaction of a block, with what it read. */
export interface Reader {
  readonly block: common.Block;
  readonly index: number;
  readonly transaction: Transaction;
}

/** The state as the committer had it before it: with the writes of the valid transactions of the block that come earlier. */
export async function pendingAt(state: StateBefore, { block, index }: Pick<Reader, 'block' | 'index'>): Promise<PendingState> {
  const pending = new PendingState(state);
  const flags = flagsOf(block);
  const pace = new Pace();
  for (const [at, bytes] of (block.data?.data ?? []).slice(0, index).entries()) {
    if (flags[at] !== protos.TxValidationCode.VALID) continue;
    const { transaction } = readTransaction(bytes);
    const version = { blockNum: block.header?.number ?? 0n, txNum: BigInt(at) };
    if (transaction !== undefined) await applyWrites(transaction, { state: pending, pace, version });
  }
  return pending;
}

/** A key of the state. */
export type StateKey = readonly [namespace: string, key: string];

/**
 * Who changed a key last before a transaction: in its block, or before that.
 * @param before what the key was before the oldest of the touches
 */
export function lastChange(
  { block, index }: Pick<Reader, 'block' | 'index'>,
  touches: Touches,
  [namespace, key]: StateKey,
  before?: StateValue,
): Place | undefined {
  const own = [...touchesOf(block, index)].filter((touch) => touch.namespace === namespace && touch.key === key);
  let latest = before;
  let last: Place | undefined;
  for (const { at, change } of [...touches.of(namespace, key).toReversed(), ...own]) {
    const outcome = outcomeOf(change, latest, { blockNum: at.block, txNum: BigInt(at.index) });
    if (outcome === undefined) continue; // a policy for a key that is not there
    latest = outcome.value;
    last = at;
  }
  return last;
}
