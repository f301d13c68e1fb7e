import { compareUtf8, concatBytes, sha256, utf8 } from '../../common/bytes.ts';
import { commithash } from '../../protos/messages.ts';
import { hashOfStateKey } from '../simulator/private-namespaces.ts';
import type { Version } from '../version.ts';
import type { PendingUpdate } from './namespace-updates.ts';
import { batches, type Pace } from './pace.ts';
import type { PendingState, Space, SpaceUpdates } from './pending-state.ts';

/**
 * The public and hashed updates of a block in one fixed form: namespaces, keys, then collections, all in byte order. A
 * namespace is named once, at its first entry, and so is a collection; the empty namespace, which holds the channel's
 * configuration, is left out, and so are metadata and plain private values.
 * @returns `commithash.Updates` bytes
 * @see update_batch_bytes.go in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/privacyenabledstate
 */
export async function updateBytes(state: PendingState, pace: Pace): Promise<Uint8Array> {
  const spaces = state.spaces.filter(({ space }) => space.kind !== 'private' && space.namespace !== '').sort(bySpace);
  const parts: Uint8Array[] = [];
  let namespace = '';
  for (const { space, updates } of spaces) {
    let names: commithash.KVWriteInit = { collection: space.collection, namespace: space.namespace === namespace ? '' : space.namespace };
    namespace = space.namespace;
    for (const batch of batches(updates.keys())) {
      const [first, ...rest] = batch.map((key) => writeOf(space, key, updates.get(key)));
      parts.push(commithash.Updates.encode({ kvwrites: [{ ...names, ...first }, ...rest] }));
      names = {};
      const pause = pace.spend(batch.length);
      if (pause !== undefined) await pause;
    }
  }
  return Buffer.concat(parts);
}

const bySpace = (a: SpaceUpdates, b: SpaceUpdates): number =>
  compareUtf8(a.space.namespace, b.space.namespace) || compareUtf8(a.space.collection, b.space.collection);

const writeOf = (space: Space, key: string, update: PendingUpdate | undefined): commithash.KVWriteInit => ({
  key: space.kind === 'hashed' ? hashOfStateKey(key) : utf8(key),
  isDelete: update?.value === undefined,
  value: update?.value?.value,
  versionBytes: update && heightBytes(update.version),
});

/**
 * Links a block's outcome to the one before: SHA-256 of the number of transactions, their flags, the updates and the
 * previous commit hash. Genesis has none; a chain that lacks one at block 1 never gets one.
 * @see addBlockCommitHash in hyperledger/fabric v2.5, core/ledger/kvledger/kv_ledger.go
 */
export const commitHash = (parts: { flags: Uint8Array; updateBytes: Uint8Array; previous: Uint8Array | undefined }): Uint8Array =>
  sha256(uvarint(parts.flags.length), parts.flags, parts.updateBytes, parts.previous ?? new Uint8Array());

/** A version as order-preserving bytes: for each number how many significant bytes it has, then those bytes. */
export const heightBytes = ({ blockNum, txNum }: Version): Uint8Array => concatBytes(orderPreserving(blockNum), orderPreserving(txNum));

function orderPreserving(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (let left = value; left > 0n; left >>= 8n) bytes.unshift(Number(left & 0xffn));
  return Uint8Array.of(bytes.length, ...bytes);
}

function uvarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  return Uint8Array.of(...bytes, left);
}
