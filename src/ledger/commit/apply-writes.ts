import type { kvrwset } from '../../protos/messages.ts';
import { encodeMetadata } from '../simulator/metadata.ts';
import { stateKeyOfHash } from '../simulator/private-namespaces.ts';
import type { StateValue } from '../statedb/state.ts';
import type { Version } from '../version.ts';
import { batches, type Pace } from './pace.ts';
import { hashedSpace, type PendingState, publicSpace, type Space } from './pending-state.ts';
import type { Transaction } from './transaction.ts';

/** What one transaction does to one key. Of several writes of one kind the last stands; only hostile sets hold several. */
export interface KeyChange {
  /** Absent: the value is not written. */
  write?: { readonly value: Uint8Array | undefined };
  /** Absent: the metadata are not written. */
  metadata?: { readonly value: Uint8Array | undefined };
}

export interface SpaceChanges {
  readonly space: Space;
  readonly changes: Map<string, KeyChange>;
}

/**
 * Adds a valid transaction's public and hashed writes to the block's updates. A value keeps its metadata unless they are
 * written too; metadata alone keep the value and raise its version; a delete drops both; metadata of no key are ignored.
 * @see prepareTxOps in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/validation/tx_ops.go
 */
export async function applyWrites(transaction: Transaction, parts: ApplyParts): Promise<void> {
  for (const { space, changes } of changesOf(transaction)) {
    for (const batch of batches([...changes])) await applyBatch(space, batch, { ...parts, txId: transaction.txId });
  }
}

async function applyBatch(
  space: Space,
  batch: readonly (readonly [string, KeyChange])[],
  parts: ApplyParts & { txId: string },
): Promise<void> {
  const { state, pace, version, txId } = parts;
  const needed = batch.filter(([, change]) => needsLatest(change)).map(([key]) => key);
  const known = state.committed(space, needed);
  const committed = known instanceof Promise ? await known : known;
  const updates = state.writable(space);
  for (const [key, change] of batch) {
    const update = updates.get(key);
    const outcome = outcomeOf(change, update === undefined ? committed.get(key) : update.value, version);
    if (outcome !== undefined) updates.set(key, { value: outcome.value, version, txId });
  }
  const pause = pace.spend(batch.length);
  if (pause !== undefined) await pause;
}

export interface ApplyParts {
  readonly state: PendingState;
  readonly pace: Pace;
  readonly version: Version;
}

const needsLatest = ({ write, metadata }: KeyChange): boolean =>
  write === undefined || (write.value !== undefined && metadata === undefined);

/** What a change makes of the latest value. @returns undefined when nothing happens to the key */
export function outcomeOf(
  { write, metadata }: KeyChange,
  latest: StateValue | undefined,
  version: Version,
): { readonly value: StateValue | undefined } | undefined {
  if (write !== undefined && write.value === undefined) return { value: undefined };
  const value = write === undefined ? latest?.value : write.value;
  if (value === undefined) return undefined;
  return { value: { value, version, metadata: metadata === undefined ? latest?.metadata : metadata.value } };
}

/** What a transaction does to which keys, public and hashed. */
export function changesOf({ namespaces }: Transaction): readonly SpaceChanges[] {
  return namespaces.flatMap(({ namespace, kv, collections }) => [
    collect(publicSpace(namespace), kv.writes, kv.metadataWrites),
    ...collections.map(({ collection, hashed }) =>
      collect(
        hashedSpace(namespace, collection),
        hashed.hashedWrites.map(({ keyHash, isDelete, valueHash }) => ({ key: stateKeyOfHash(keyHash), isDelete, value: valueHash })),
        hashed.metadataWrites.map(({ keyHash, entries }) => ({ key: stateKeyOfHash(keyHash), entries })),
      ),
    ),
  ]);
}

function collect(space: Space, writes: readonly kvrwset.KVWrite[], metadataWrites: readonly kvrwset.KVMetadataWrite[]): SpaceChanges {
  const changes = new Map<string, KeyChange>();
  for (const write of writes) changes.set(write.key, { write: { value: writtenValue(write) } });
  for (const { key, entries } of metadataWrites) changes.set(key, { ...changes.get(key), metadata: { value: encodeMetadata(entries) } });
  return { space, changes };
}

/** The value a write leaves behind; an empty one is a delete, whatever the flag says. */
export const writtenValue = ({ isDelete, value }: kvrwset.KVWrite): Uint8Array | undefined =>
  isDelete || value.length === 0 ? undefined : value;
