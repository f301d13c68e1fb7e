import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StoredBlock } from './blockstore/block-store.ts';
import { batches } from './commit/pace.ts';
import type { PreparedCommit } from './commit/prepared.ts';
import { type Compatibility, releaseUpdates } from './compatibility.ts';
import { historyIndexWrites } from './history/history-index.ts';
import type { KvWrite } from './kv/kv-store.ts';
import type { Expiry } from './pvtdata/expiry.ts';
import { stateWrites, updateWrites } from './statedb/kv-state-store.ts';

export interface Effects {
  readonly stored: StoredBlock;
  readonly prepared: PreparedCommit;
  readonly expiry: Expiry;
  readonly compatibility: Compatibility;
}

/** Everything that follows from a block, for one commit of the key-value store: state with its savepoint, history, index. */
export async function blockEffects({ stored, prepared, expiry, compatibility }: Effects): Promise<KvWrite[]> {
  const { block, transactions, indexWrites } = stored;
  const locations = transactions.map(({ location }) => location);
  const savepoint = { blockNum: block.header?.number ?? 0n, txNum: BigInt(Math.max(0, transactions.length - 1)) };
  const writes = stateWrites([], savepoint);
  const updates = [...releaseUpdates(prepared.updates, compatibility), ...expiry.updates];
  for (const batch of batches(updates)) {
    writes.push(...updateWrites(batch));
    await nextTurn();
  }
  for (const batch of batches(prepared.historyWrites)) {
    writes.push(...historyIndexWrites(batch, locations));
    await nextTurn();
  }
  return [...writes, ...expiry.writes, ...indexWrites];
}
