import { equalBytes, hex, sha256 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { kvrwset, rwset } from '../../protos/messages.ts';
import { keyHash, stateKeyOfHash } from '../simulator/private-namespaces.ts';
import type { StateValue } from '../statedb/state.ts';
import { sameVersion, type Version } from '../version.ts';
import { writtenValue } from './apply-writes.ts';
import { hashedSpace, type PendingState, privateSpace } from './pending-state.ts';
import type { PrivatePurge } from './prepared.ts';
import type { Transaction } from './transaction.ts';

/** One collection's private write set. */
export interface CollectionWrites {
  readonly namespace: string;
  readonly collection: string;
  /** `kvrwset.KVRWSet` bytes; undefined when no set at hand has the hash the transaction says. */
  readonly rwset: Uint8Array | undefined;
}

/**
 * Finds, for each collection the transaction wrote, the plain write set among those at hand. What does not decode or does
 * not match is passed over.
 * @param candidates encoded `rwset.TxPvtReadWriteSet`
 */
export function matchPrivateWrites({ namespaces }: Transaction, candidates: readonly Uint8Array[]): CollectionWrites[] {
  const atHand = byCollectionAndHash(candidates);
  return namespaces.flatMap(({ namespace, collections }) =>
    collections
      .filter(({ pvtRwsetHash }) => pvtRwsetHash.length > 0)
      .map(({ collection, pvtRwsetHash }) => ({ namespace, collection, rwset: atHand.get(idOf({ namespace, collection }, pvtRwsetHash)) })),
  );
}

const idOf = ({ namespace, collection }: Pick<CollectionWrites, 'namespace' | 'collection'>, hash: Uint8Array): string =>
  `${namespace}\0${collection}\0${hex(hash)}`;

/** Sets that decode, each hashed once, whatever the number of collections that ask for them. */
function byCollectionAndHash(candidates: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
  const sets = candidates.flatMap(decodeOrNothing).filter((set) => decodes(set.rwset));
  return new Map(sets.map((set) => [idOf(set, sha256(set.rwset)), set.rwset]));
}

/** The keys the transaction wants forgotten. @see purgeTracker in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/validation */
export const purgesOf = ({ namespaces }: Transaction, version: Version): PrivatePurge[] =>
  namespaces.flatMap(({ namespace, collections }) =>
    collections.flatMap(({ collection, hashed }) =>
      hashed.hashedWrites.filter(({ isPurge }) => isPurge).map(({ keyHash: hash }) => ({ namespace, collection, keyHash: hash, version })),
    ),
  );

function decodeOrNothing(bytes: Uint8Array): { namespace: string; collection: string; rwset: Uint8Array }[] {
  return unlessMalformed(() => rwset.TxPvtReadWriteSet.decode(bytes).nsPvtRwset, []).flatMap(({ namespace, collectionPvtRwset }) =>
    collectionPvtRwset.map((set) => ({ namespace, collection: set.collectionName, rwset: set.rwset })),
  );
}

const decodes = (bytes: Uint8Array): boolean => unlessMalformed(() => kvrwset.KVRWSet.decode(bytes) !== undefined, false);

function unlessMalformed<T>(decode: () => T, otherwise: T): T {
  try {
    return decode();
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') return otherwise;
    throw thrown;
  }
}

/** A private key whose metadata were written: its plain value must follow the version of its hash. */
export interface TouchedKey {
  readonly namespace: string;
  readonly collection: string;
  readonly key: string;
}

/** Adds plain private writes to the block's updates. @returns the keys for {@link raiseVersions} */
export function applyPrivateWrites(writes: CollectionWrites, by: { state: PendingState; version: Version; txId: string }): TouchedKey[] {
  if (writes.rwset === undefined) return [];
  const { namespace, collection } = writes;
  const { state, version, txId } = by;
  const plain = kvrwset.KVRWSet.decode(writes.rwset);
  for (const write of plain.writes) {
    const value = writtenValue(write);
    state.writable(privateSpace(namespace, collection)).set(write.key, { value: value && { value, version }, version, txId });
  }
  return plain.metadataWrites.map(({ key }) => ({ namespace, collection, key }));
}

/**
 * Gives plain values the version of their hash where only metadata were written: otherwise they would seem outdated.
 * @see incrementPvtdataVersionIfNeeded in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/validation/batch_preparer.go
 */
export async function raiseVersions(keys: readonly TouchedKey[], state: PendingState): Promise<void> {
  for (const { namespace, collection, key } of keys) {
    const update = state.updatesOf(hashedSpace(namespace, collection))?.get(stateKeyOfHash(keyHash(key)));
    if (update?.value === undefined) continue;
    const latest = await latestPlain({ namespace, collection, key }, state);
    if (latest === undefined || sameVersion(latest.version, update.version)) continue;
    if (!equalBytes(sha256(latest.value), update.value.value)) continue;
    const { version, txId } = update;
    state.writable(privateSpace(namespace, collection)).set(key, { value: { ...latest, version }, version, txId });
  }
}

async function latestPlain({ namespace, collection, key }: TouchedKey, state: PendingState): Promise<StateValue | undefined> {
  const space = privateSpace(namespace, collection);
  const update = state.updatesOf(space)?.get(key);
  return update === undefined ? (await state.committed(space, [key])).get(key) : update.value;
}
