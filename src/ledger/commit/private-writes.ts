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
 * not match is passed over. A collection counts once however often it is named; one that is named with different hashes has no set, as
 * none can have both.
 * @param candidates encoded `rwset.TxPvtReadWriteSet`
 * @param options `partial`: sets whose purged keys were taken out are matched key by key
 * @see computeEligibility in hyperledger/fabric v2.5, gossip/privdata/pvtdataprovider.go, and validatePvtdata in
 *   core/ledger/kvledger/txmgmt/validation/batch_preparer.go: the first expects the last hash, the second the first
 */
export function matchPrivateWrites(
  transaction: Transaction,
  candidates: readonly Uint8Array[],
  { partial = false }: { readonly partial?: boolean | undefined } = {},
): CollectionWrites[] {
  const sets = candidates.flatMap(decodeOrNothing).filter((set) => decodes(set.rwset));
  const byHash = new Map(sets.map((set) => [idOf(set, sha256(set.rwset)), set.rwset]));
  const byName = partial ? firstOfEach(sets) : undefined;
  return collectionsWritten(transaction).map((written) => {
    const { namespace, collection, hash } = written;
    if (hash === undefined) return { namespace, collection, rwset: undefined };
    const cut = byName?.get(nameOf(written));
    return { namespace, collection, rwset: byHash.get(idOf(written, hash)) ?? (cut && partOf(cut, written)) };
  });
}

interface CollectionWritten {
  readonly namespace: string;
  readonly collection: string;
  /** Undefined where the transaction names several. */
  hash: Uint8Array | undefined;
  readonly hashedWrites: kvrwset.KVWriteHash[];
  readonly metadataWrites: kvrwset.KVMetadataWriteHash[];
}

/** Every collection that the transaction wrote, once. */
function collectionsWritten({ namespaces }: Transaction): CollectionWritten[] {
  const written = new Map<string, CollectionWritten>();
  for (const { namespace, collections } of namespaces) {
    for (const { collection, pvtRwsetHash: hash, hashed } of collections) {
      if (hash.length === 0) continue;
      const name = nameOf({ namespace, collection });
      const known = written.get(name) ?? { namespace, collection, hash, hashedWrites: [], metadataWrites: [] };
      written.set(name, known);
      if (known.hash !== undefined && !equalBytes(known.hash, hash)) known.hash = undefined;
      for (const write of hashed.hashedWrites) known.hashedWrites.push(write);
      for (const write of hashed.metadataWrites) known.metadataWrites.push(write);
    }
  }
  return [...written.values()];
}

/** What of a set the hashes of the transaction speak for. */
function partOf(set: Uint8Array, { hashedWrites, metadataWrites }: CollectionWritten): Uint8Array {
  const byHash = new Map(hashedWrites.map((write) => [hex(write.keyHash), write]));
  const touched = new Set(metadataWrites.map((write) => hex(write.keyHash)));
  const plain = kvrwset.KVRWSet.decode(set);
  return kvrwset.KVRWSet.encode({
    writes: plain.writes.filter((write) => {
      const hash = byHash.get(hex(keyHash(write.key)));
      return hash !== undefined && (hash.isDelete || equalBytes(sha256(write.value), hash.valueHash));
    }),
    metadataWrites: plain.metadataWrites.filter(({ key }) => touched.has(hex(keyHash(key)))),
  });
}

interface PlainSet {
  readonly namespace: string;
  readonly collection: string;
  readonly rwset: Uint8Array;
}

function firstOfEach(sets: readonly PlainSet[]): ReadonlyMap<string, Uint8Array> {
  const first = new Map<string, Uint8Array>();
  for (const set of sets) if (!first.has(nameOf(set))) first.set(nameOf(set), set.rwset);
  return first;
}

const nameOf = ({ namespace, collection }: Pick<CollectionWrites, 'namespace' | 'collection'>): string => `${namespace}\0${collection}`;

const idOf = ({ namespace, collection }: Pick<CollectionWrites, 'namespace' | 'collection'>, hash: Uint8Array): string =>
  `${namespace}\0${collection}\0${hex(hash)}`;

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

function decodeOrNothing(bytes: Uint8Array): PlainSet[] {
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
