/** Opens the ledger in one folder: `blocks/` is the truth, `state/` follows it, `private/` holds what blocks do not. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeDurably, syncFolder } from '../common/durable-files.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { Metrics } from '../common/metrics.ts';
import { Scope } from '../common/scope.ts';
import { BlockIndex } from './blockstore/block-index.ts';
import { BlockStore } from './blockstore/block-store.ts';
import { KvLedger, type KvLedgerParts } from './commit/kv-ledger.ts';
import type { MayHold } from './commit/prepared.ts';
import { COMPATIBILITY, type FabricRelease } from './compatibility.ts';
import { HistoryIndex } from './history/history-index.ts';
import { LmdbStore } from './kv/lmdb-store.ts';
import { sealStore } from './kv/seal-store.ts';
import { blocksIn, privateIn, stateIn } from './layout.ts';
import { ledgerMetrics } from './ledger-metrics.ts';
import { type CollectionLifetimes, ExpirySchedule } from './pvtdata/expiry.ts';
import { PrivateDataStore } from './pvtdata/private-data-store.ts';
import { loggedPurges } from './pvtdata/purge-audit.ts';
import { KvTransientStore } from './pvtdata/transient-store.ts';
import { replay } from './replay.ts';
import type { SimulatorOptions } from './simulator/simulator-parts.ts';
import { KvStateStore, type SnapshotMetrics } from './statedb/kv-state-store.ts';
import { type RichQueryOptions, RichState } from './statedb/rich-state.ts';
import type { StateStore } from './statedb/state.ts';

/** Opens the state of a channel; the ledger closes it. */
export type OpenState = (channelId: string) => Promise<StateStore>;

export interface OpenLedgerParts {
  readonly channelId: string;
  readonly folder: string;
  readonly release: FabricRelease;
  readonly simulator: SimulatorOptions;
  readonly lifetimes: CollectionLifetimes;
  readonly mayHold: MayHold | undefined;
  readonly transientRetention: bigint;
  /** Whether each private key that is purged is named in the log. */
  readonly purgedKeyAudit: boolean;
  readonly segmentBytes: number | undefined;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly changed: KvLedgerParts['changed'];
  /** Absent where rich queries are refused. */
  readonly richQueries?: RichQueryOptions | undefined;
  /** Opens the state where it lies elsewhere; by default it is in the store of history and indexes. */
  readonly openState?: OpenState | undefined;
  /** Told when the ledger is disposed. */
  readonly closed: () => void;
}

/** @throws {SelvageError} `LEDGER_CORRUPT`, `DISK_FULL`, `LEDGER_UNAVAILABLE`; nothing is left open then */
export async function openLedger(parts: OpenLedgerParts): Promise<KvLedger> {
  const { channelId, folder, log, metrics, simulator, transientRetention, segmentBytes } = parts;
  const compatibility = COMPATIBILITY[parts.release];
  await using scope = new Scope();
  scope.defer(parts.closed);
  await bringUpToDate(parts);
  const { kv, state } = await openStores(parts, scope);
  const synced = scope.use(new LmdbStore({ path: privateIn(folder), durability: 'synced' }));
  for (const made of [folder, stateIn(folder), privateIn(folder)]) await syncFolder(made); // lmdb brings its files to the disk, not their names
  const privateData = new PrivateDataStore(synced, loggedPurges({ log, channel: channelId, keys: parts.purgedKeyAudit }));
  await privateData.bringUpToDate();
  const expiry = new ExpirySchedule({ kv, lifetimes: parts.lifetimes });
  const catchUp = replay({ kv, state, privateData, expiry, compatibility });
  const { duplicates, historyOrder: order } = compatibility;
  const blocks = scope.use(await BlockStore.open({ directory: blocksIn(folder), segmentBytes, kv, duplicates, log, catchUp }));
  await privateData.purge(blocks.info().height);
  return await KvLedger.open({
    channelId,
    kv,
    blocks,
    state,
    history: new HistoryIndex({ kv, readEnvelope: (location) => blocks.envelope(location), order }),
    transient: new KvTransientStore(synced),
    privateData,
    expiry,
    compatibility,
    simulator,
    mayHold: parts.mayHold,
    transientRetention,
    log,
    metrics: ledgerMetrics(metrics, channelId),
    changed: parts.changed,
    owned: scope.move(),
  });
}

const snapshotMetrics = (metrics: Metrics, channel: string): SnapshotMetrics => ({
  open: metrics.gauge('selvage_ledger_snapshots_open', 'State snapshots that are in use', { channel }),
  seconds: metrics.histogram('selvage_ledger_snapshot_age_seconds', 'How long a state snapshot was in use', { channel }),
});

interface Stores {
  /** History, index and schedules; the state as well unless it lies elsewhere. */
  readonly kv: LmdbStore;
  readonly state: StateStore;
}

async function openStores(parts: OpenLedgerParts, scope: Scope): Promise<Stores> {
  const { channelId, openState, metrics, richQueries, log } = parts;
  const elsewhere = openState === undefined ? undefined : scope.use(await openState(channelId));
  const kv = await openFollowing(parts, elsewhere, scope);
  if (elsewhere !== undefined) return { kv, state: elsewhere };
  const rich = richQueries && new RichState({ kv, log: log.child({ module: 'ledger.indexes' }), ...richQueries });
  return { kv, state: scope.use(new KvStateStore(kv, { metrics: snapshotMetrics(metrics, channelId), rich })) };
}

/** What says nothing of the store itself: somebody else has it, or the machine refuses to open anything at the moment. */
const PASSING = /\b(?:EACCES|EPERM|EROFS|EMFILE|ENFILE|ENOMEM)\b|Permission denied|Too many open files|Cannot allocate memory/;
const isPassing = (thrown: unknown): boolean =>
  PASSING.test(messageOf(thrown)) || (thrown instanceof SelvageError && thrown.code === 'FOLDER_IN_USE');

/**
 * The store that follows the blocks. What cannot be opened, perhaps for want of room when it was made, is no loss and is made again; what
 * could be opened later is not, as that takes a replay of all blocks.
 */
async function openFollowing({ folder, log }: OpenLedgerParts, elsewhere: StateStore | undefined, scope: Scope): Promise<LmdbStore> {
  const path = stateIn(folder);
  using now = elsewhere?.snapshot(); // one that does not answer says nothing of what is here
  try {
    return scope.use(await readableStore(path, now && (now.savepoint?.blockNum ?? -1n)));
  } catch (thrown) {
    if (isPassing(thrown)) throw thrown;
    log.warn('the state cannot be opened and is made from the blocks', { reason: messageOf(thrown) });
    await rm(path, { recursive: true, force: true });
    return scope.use(new LmdbStore({ path, durability: 'overlapping' }));
  }
}

/**
 * A state that lies elsewhere may be ahead by the block of a crash, which is then applied again, the same to the same.
 * @param elsewhere the newest block of that state, -1 for none
 * @throws {SelvageError} for a store that does not even say how far it is, and where the state elsewhere is behind it: something of
 *   that was lost
 */
async function readableStore(path: string, elsewhere: bigint | undefined): Promise<LmdbStore> {
  await using scope = new Scope();
  const kv = scope.use(new LmdbStore({ path, durability: 'overlapping' }));
  const checkpoint = await new BlockIndex({ kv, duplicates: 'first' }).checkpoint();
  if (elsewhere !== undefined && elsewhere + 1n < (checkpoint?.height ?? 0n))
    throw new SelvageError('LEDGER_CORRUPT', 'the state is behind the blocks');
  scope.move();
  return kv;
}

/** Earlier versions kept values without checksums, and beside them a mark that told whether the machine had stopped. */
async function bringUpToDate({ folder, log }: OpenLedgerParts): Promise<void> {
  const mark = join(folder, 'state.mark');
  if (!existsSync(mark)) return;
  log.info('the ledger is of an earlier version and is brought up to date');
  await rm(stateIn(folder), { recursive: true, force: true });
  await sealStore(privateIn(folder));
  await removeDurably(mark);
}
