import { equalBytes } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { commitHashOf, flagsOf, nextCommitHash } from './block-metadata.ts';
import type { StoredBlock } from './blockstore/block-store.ts';
import { blockEffects } from './commit/effects.ts';
import { setsOf } from './commit/old-private-data.ts';
import { replayUpdates } from './commit/prepare-commit.ts';
import type { CommitParts } from './commit/prepared.ts';
import type { Compatibility } from './compatibility.ts';
import type { KvStore } from './kv/kv-store.ts';
import type { ExpirySchedule } from './pvtdata/expiry.ts';
import type { PrivateDataStore } from './pvtdata/private-data-store.ts';
import type { StateStore } from './statedb/state.ts';

export interface ReplayParts {
  readonly kv: KvStore;
  readonly state: StateStore;
  readonly privateData: PrivateDataStore;
  readonly expiry: ExpirySchedule;
  readonly compatibility: Compatibility;
}

/**
 * Applies a block from the files by its stored flags, without judging it again.
 * @throws {SelvageError} `LEDGER_CORRUPT` when flags or writes are not those whose hash was recorded at the commit
 */
export function replay({ kv, state, privateData, expiry: schedule, compatibility }: ReplayParts): (stored: StoredBlock) => Promise<void> {
  let previous: Uint8Array | undefined;
  let begun = false;
  return async (stored) => {
    const { block } = stored;
    const number = block.header?.number ?? 0n;
    const atHand = await privateData.ofBlock(number);
    const plainKey: CommitParts['plainKey'] = (collection, hash) => privateData.plainKey(collection, hash);
    using snapshot = state.snapshot();
    const prepared = await replayUpdates({
      block,
      flags: flagsOf(block),
      snapshot,
      privateData: atHand,
      partial: true,
      keepsInvalid: true,
      plainKey,
    });
    const purged = await privateData.purgedBy(prepared.privatePurges);
    const sets = setsOf(prepared, number);
    const expiry = await schedule.forBlock({ blockNum: number, updates: prepared.updates, snapshot, purged, sets });
    const found = commitHashOf(block);
    const wanted = begun || number <= 1n ? nextCommitHash(number, { prepared, previous }) : found;
    if (found !== undefined && wanted !== undefined && !equalBytes(found, wanted))
      throw new SelvageError('LEDGER_CORRUPT', `block ${number} does not have the commit hash that its content gives`);
    const { updates, savepoint, writes } = await blockEffects({ stored, prepared, expiry, compatibility });
    await state.commit(updates, savepoint, { kv, writes });
    [previous, begun] = [found, true];
  };
}
