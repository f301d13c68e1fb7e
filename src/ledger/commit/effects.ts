import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StoredBlock } from '../blockstore/block-store.ts';
import { type Compatibility, releaseUpdates } from '../compatibility.ts';
import { historyIndexWrites } from '../history/history-index.ts';
import type { KvWrite } from '../kv/kv-store.ts';
import type { Expiry } from '../pvtdata/expiry.ts';
import type { Savepoint, StateUpdate } from '../statedb/state.ts';
import { batches } from './pace.ts';
import type { PreparedCommit } from './prepared.ts';

export interface BlockInFiles {
  readonly stored: StoredBlock;
  readonly prepared: PreparedCommit;
  readonly expiry: Expiry;
  readonly compatibility: Compatibility;
}

/** Everything that follows from a block. */
export interface Effects {
  readonly updates: readonly StateUpdate[];
  readonly savepoint: Savepoint;
  /** History, index and schedules, which are written beside the state. */
  readonly writes: readonly KvWrite[];
}

export async function blockEffects({ stored, prepared, expiry, compatibility }: BlockInFiles): Promise<Effects> {
  const { block, transactions, indexWrites } = stored;
  const locations = transactions.map(({ location }) => location);
  const writes: KvWrite[] = [];
  for (const batch of batches(prepared.historyWrites)) {
    for (const write of historyIndexWrites(batch, locations)) writes.push(write);
    await nextTurn();
  }
  return {
    updates: [...releaseUpdates(prepared.updates, compatibility), ...expiry.updates],
    savepoint: { blockNum: block.header?.number ?? 0n, txNum: BigInt(Math.max(0, transactions.length - 1)) },
    writes: [...writes, ...expiry.writes, ...indexWrites],
  };
}
