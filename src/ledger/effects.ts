import type { StoredBlock } from './blockstore/block-store.ts';
import type { PreparedCommit } from './commit/prepared.ts';
import { type Compatibility, releaseUpdates } from './compatibility.ts';
import { historyIndexWrites } from './history/history-index.ts';
import type { KvWrite } from './kv/kv-store.ts';
import type { Expiry } from './pvtdata/expiry.ts';
import { stateWrites } from './statedb/kv-state-store.ts';

export interface Effects {
  readonly stored: StoredBlock;
  readonly prepared: PreparedCommit;
  readonly expiry: Expiry;
  readonly compatibility: Compatibility;
}

/** Everything that follows from a block, for one commit of the key-value store: state with its savepoint, history, index. */
export function blockEffects({ stored, prepared, expiry, compatibility }: Effects): KvWrite[] {
  const { block, transactions, indexWrites } = stored;
  const locations = transactions.map(({ location }) => location);
  const savepoint = { blockNum: block.header?.number ?? 0n, txNum: BigInt(Math.max(0, transactions.length - 1)) };
  const state = stateWrites([...releaseUpdates(prepared.updates, compatibility), ...expiry.updates], savepoint);
  return [...state, ...expiry.writes, ...historyIndexWrites(prepared.historyWrites, locations), ...indexWrites];
}
