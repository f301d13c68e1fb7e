import { equalBytes, hex, sha256 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { kvrwset, rwset } from '../../protos/messages.ts';
import type { PrivatePurge } from '../pvtdata/private-data-keys.ts';
import { keyHash, stateKeyOfHash } from '../simulator/private-namespaces.ts';
import type { StateValue } from '../statedb/state.ts';
import { sameVersion, type Version } from '../version.ts';
import { writtenValue } from './apply-writes.ts';
import { hashedSpace, type PendingState, privateSpace } from './pending-state.ts';
import type { Transaction } from './transaction.ts';

const HASH_LENGTH = 32;

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
 * @param options `partial`: sets whose purged keys were taken out are matched key by key
 */
export function matchPrivateWrites(
  { namespaces }: Transaction,
  candidates: readonly Uint8Array[],
  { partial = false }: { readonly partial?: boolean | undefined } = {},
): CollectionWrites[] {
  const atHand = byCollectionAndHash(candidates);
  return namespaces.flatMap(({ namespace, collections }) =>
    collections
      .filter(({ pvtRwsetHash }) => pvtRwsetHash.length > 0)
      .map(({ collection, pvtRwsetHash, hashed }) => {
        const name = { namespace, collection };
        return { ...name, rwset: atHand.get(idOf(name, pvtRwsetHash)) ?? (partial ? partOf(name, candidates, hashed) : undefined) };
      }),
  );
}

/** What of the sets of a collection the hashes of the transaction speak for. */
function partOf(
  { namespace, collection }: Pick<CollectionWrites, 'namespace' | 'collection'>,
  candidates: readonly Uint8Array[],
  { hashedWrites, metadataWrites }: kvrwset.HashedRWSet,
): Uint8Array | undefined {
  const found = candidates.flatMap(decodeOrNothing).find((set) => set.namespace === namespace && set.collection === collection);
  if (found === undefined || !decodes(found.rwset)) return undefined;
  const byHash = new Map(hashedWrites.map((write) => [hex(write.keyHash), write]));
  const touched = new Set(metadataWrites.map((write) => hex(write.keyHash)));
  const plain = kvrwset.KVRWSet.decode(found.rwset);
  return kvrwset.KVRWSet.encode({
    writes: plain.writes.filter((write) => {
      const hash = byHash.get(hex(keyHash(write.key)));
      return hash !== undefined && (hash.isDelete || equalBytes(sha256(write.value), hash.valueHash));
    }),
    metadataWrites: plain.metadataWrites.filter(({ key }) => touched.has(hex(keyHash(key)))),
  });
}

const idOf = ({ namespace, collection }: Pick<CollectionWrites, 'namespace' | 'collection'>, hash: Uint8Array): string =>
  `${namespace}\0${collection}\0${hex(hash)}`;

/** Sets that decode, each hashed once, whatever the number of collections that ask for them. */
function byCollectionAndHash(candidates: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
  const sets = candidates.flatMap(decodeOrNothing).filter((set) => decodes(set.rwset));
  return new Map(sets.map((set) => [idOf(set, sha256(set.rwset)), set.rwset]));
}

/**
 * The keys the transaction wants forgotten, each once however often it says so: for each, all that was ever written to it is looked up.
 * @see purgeTracker in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/validation
 */
export function purgesOf({ namespaces }: Transaction, version: Version): readonly PrivatePurge[] {
  const purges = new Map<string, PrivatePurge>();
  for (const { namespace, collections } of namespaces) {
    for (const { collection, hashed } of collections) {
      for (const { isPurge, keyHash: hash } of hashed.hashedWrites) {
        if (!isPurge || hash.length !== HASH_LENGTH) continue;
        purges.set(idOf({ namespace, collection }, hash), { namespace, collection, keyHash: hash, version });
      }
    }
  }
  return [...purges.values()];
}

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

/** Adds plain private writes to the block's updates. @returns the keys that were written, and those for {@link raiseVersions} */
export function applyPrivateWrites(
  writes: CollectionWrites & { readonly rwset: Uint8Array },
  by: { state: PendingState; version: Version; txId: string },
): { readonly written: readonly string[]; readonly touched: readonly TouchedKey[] } {
  const { namespace, collection } = writes;
  const { state, version, txId } = by;
  const plain = kvrwset.KVRWSet.decode(writes.rwset);
  for (const write of plain.writes) {
    const value = writtenValue(write);
    state.writable(privateSpace(namespace, collection)).set(write.key, { value: value && { value, version }, version, txId });
  }
  return {
    written: plain.writes.map(({ key }) => key),
    touched: plain.metadataWrites.map(({ key }) => ({ namespace, collection, key })),
  };
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
