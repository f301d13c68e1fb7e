/**
 * Private data that comes after its block.
 * @see core/ledger/kvledger/hashcheck_pvtdata.go and RemoveStaleAndCommitPvtDataOfOldBlocks in hyperledger/fabric v2.5
 */
import { equalBytes, hex, sha256 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { common, kvrwset, protos } from '../../protos/messages.ts';
import type { BlockReader, OldPrivateData } from '../ledger.ts';
import type { PrivateWriteSet } from '../pvtdata/expiry.ts';
import type { WriteSetName } from '../pvtdata/private-data-keys.ts';
import type { PrivateDataStore } from '../pvtdata/private-data-store.ts';
import { hashedNamespace, keyHash, privateNamespace, stateKeyOfHash } from '../simulator/private-namespaces.ts';
import type { StateSnapshot, StateUpdate } from '../statedb/state.ts';
import { isNewer, sameVersion, type Version } from '../version.ts';
import { writtenValue } from './apply-writes.ts';
import type { PreparedCommit } from './prepared.ts';
import { type CollectionReadsWrites, readTransaction } from './transaction.ts';

/** A set that is what its block says. */
export interface CheckedSet extends WriteSetName {
  /** `kvrwset.KVRWSet` bytes, without what was purged. */
  readonly rwset: Uint8Array;
  readonly valid: boolean;
}

interface Stores {
  readonly blocks: Pick<BlockReader, 'block'>;
  readonly privateData: Pick<PrivateDataStore, 'isPurged'>;
}

/** What the block of a set says of it. */
interface Committed {
  readonly valid: boolean;
  readonly writes: CollectionReadsWrites;
}

export const sameSet = (a: WriteSetName, b: WriteSetName): boolean =>
  a.blockNum === b.blockNum && a.index === b.index && a.namespace === b.namespace && a.collection === b.collection;

/** The private write sets that a block brings, here or missing. */
export function setsOf(
  { privateWrites, missingPrivateData }: Pick<PreparedCommit, 'privateWrites' | 'missingPrivateData'>,
  blockNum: bigint,
): readonly PrivateWriteSet[] {
  return [...privateWrites, ...missingPrivateData].map(({ index, namespace, collection }) => ({
    version: { blockNum, txNum: BigInt(index) },
    namespace,
    collection,
  }));
}

/** Sorts what somebody gave into what the blocks' hashes speak for, and the rest. */
export async function checkOld(found: readonly OldPrivateData[], stores: Stores) {
  const taken: CheckedSet[] = [];
  const refused: (WriteSetName & { readonly reason: string })[] = [];
  for (const [blockNum, sets] of byBlock(found)) {
    const block = await stores.blocks.block(blockNum);
    for (const set of sets) {
      const checked = await checkSet(set, committedSet(block, set), stores);
      if (typeof checked === 'string') refused.push({ ...nameOf(set), reason: checked });
      else taken.push(checked);
    }
  }
  return { taken, refused };
}

/** Of sets that nobody has any more those whose keys were all purged here: they are empty. */
export async function purgedWhole(names: readonly WriteSetName[], stores: Stores): Promise<readonly CheckedSet[]> {
  const gone: CheckedSet[] = [];
  for (const [blockNum, sets] of byBlock(names)) {
    const block = await stores.blocks.block(blockNum);
    for (const set of sets) {
      const committed = committedSet(block, set);
      if (committed === undefined || hashesOf(committed).size === 0) continue;
      if ((await unpurged(set, hashesOf(committed), stores)).size === 0)
        gone.push({ ...nameOf(set), rwset: NOTHING, valid: committed.valid });
    }
  }
  return gone;
}

const NOTHING = new Uint8Array(0);

const nameOf = ({ blockNum, index, namespace, collection }: WriteSetName): WriteSetName => ({ blockNum, index, namespace, collection });

function byBlock<T extends WriteSetName>(sets: readonly T[]): ReadonlyMap<bigint, readonly T[]> {
  const blocks = new Map<bigint, T[]>();
  for (const set of sets) blocks.set(set.blockNum, [...(blocks.get(set.blockNum) ?? []), set]);
  return blocks;
}

function committedSet(block: common.Block | undefined, { index, namespace, collection }: WriteSetName): Committed | undefined {
  const envelope = block?.data?.data[index];
  const { transaction } = envelope === undefined ? {} : readTransaction(envelope);
  const writes = transaction?.namespaces
    .find((each) => each.namespace === namespace)
    ?.collections.find((each) => each.collection === collection);
  const codes = block?.metadata?.metadata[common.BlockMetadataIndex.TRANSACTIONS_FILTER];
  return writes && { writes, valid: codes?.[index] === protos.TxValidationCode.VALID };
}

/** What the block says of each key: the hash of its value, nothing for one that is deleted. */
const hashesOf = ({ writes }: Committed): ReadonlyMap<string, Uint8Array> =>
  new Map(writes.hashed.hashedWrites.map(({ keyHash: hash, isDelete, valueHash }) => [hex(hash), isDelete ? NOTHING : valueHash]));

async function unpurged(
  { namespace, collection, blockNum, index }: WriteSetName,
  hashes: ReadonlyMap<string, Uint8Array>,
  { privateData }: Stores,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const version = { blockNum, txNum: BigInt(index) };
  const left = new Map<string, Uint8Array>();
  for (const [hash, value] of hashes) {
    const key = new Uint8Array(Buffer.from(hash, 'hex'));
    if (!(await privateData.isPurged({ namespace, collection, keyHash: key, version }))) left.set(hash, value);
  }
  return left;
}

/** @returns the set without what was purged here, or in Fabric's words why it is not taken */
async function checkSet(set: OldPrivateData, committed: Committed | undefined, stores: Stores): Promise<CheckedSet | string> {
  if (committed === undefined) return 'Pvtdata not expected. There are no corresponding hashes present on this peer';
  const { valid, writes } = committed;
  const hashes = hashesOf(committed);
  const wanted = await unpurged(set, hashes, stores);
  const checked = (rwset: Uint8Array): CheckedSet => ({ ...nameOf(set), rwset, valid });
  if (hashes.size > 0 && wanted.size === 0) return checked(NOTHING);
  if (wanted.size === hashes.size && equalBytes(sha256(set.rwset), writes.pvtRwsetHash)) return checked(set.rwset);
  const plain = decodedSet(set.rwset);
  if (plain === undefined) return 'Error during unmarshalling of collection proto';
  if (hashes.size === 0) return 'Hash mismatched';
  return checkKeys(plain, wanted, writes, checked);
}

/** Whoever gave it may have purged more keys than this peer, or fewer. */
function checkKeys(
  plain: kvrwset.KVRWSet,
  wanted: ReadonlyMap<string, Uint8Array>,
  { hashed }: CollectionReadsWrites,
  checked: (rwset: Uint8Array) => CheckedSet,
): CheckedSet | string {
  const writes = plain.writes.filter(({ key }) => wanted.has(hex(keyHash(key))));
  if (writes.some((write) => !equalBytes(valueHashOf(write), wanted.get(hex(keyHash(write.key))) ?? NOTHING))) return 'Hash mismatched';
  if (new Set(writes.map(({ key }) => key)).size < wanted.size) return 'Only subset of expected keys present';
  const touched = new Set(hashed.metadataWrites.map(({ keyHash: hash }) => hex(hash)));
  const metadataWrites = plain.metadataWrites.filter(({ key }) => touched.has(hex(keyHash(key))) && wanted.has(hex(keyHash(key))));
  return checked(kvrwset.KVRWSet.encode({ writes, metadataWrites }));
}

const valueHashOf = (write: kvrwset.KVWrite): Uint8Array => {
  const value = writtenValue(write);
  return value === undefined ? NOTHING : sha256(value);
};

function decodedSet(bytes: Uint8Array): kvrwset.KVRWSet | undefined {
  try {
    return kvrwset.KVRWSet.decode(bytes);
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') return undefined;
    throw thrown;
  }
}

interface OldWrite {
  readonly namespace: string;
  readonly collection: string;
  readonly key: string;
  readonly write: kvrwset.KVWrite;
  readonly version: Version;
}

/** What the sets do to the state: the newest write of each key, where the hash in the state is the one it had. */
export async function oldUpdates(sets: readonly CheckedSet[], snapshot: StateSnapshot): Promise<readonly StateUpdate[]> {
  const newest = new Map<string, OldWrite>();
  const touched = new Map<string, Omit<OldWrite, 'write' | 'version'>>();
  for (const { namespace, collection, blockNum, index, rwset } of sets.filter(({ valid }) => valid)) {
    const version = { blockNum, txNum: BigInt(index) };
    const { writes, metadataWrites } = kvrwset.KVRWSet.decode(rwset);
    for (const write of writes) {
      const id = `${namespace}\0${collection}\0${write.key}`;
      const known = newest.get(id);
      if (known === undefined || isNewer(version, known.version)) newest.set(id, { namespace, collection, key: write.key, write, version });
    }
    for (const { key } of metadataWrites) touched.set(`${namespace}\0${collection}\0${key}`, { namespace, collection, key });
  }
  const written = await Promise.all([...newest.values()].map((write) => freshUpdate(write, snapshot)));
  const others = [...touched].filter(([id]) => !newest.has(id));
  const raised = await Promise.all(others.map(([, key]) => raisedUpdate(key, snapshot)));
  return [...written, ...raised].flatMap((update) => update ?? []);
}

/** Metadata that were written since raise the version of a hash and leave the value: the value takes that version over. */
async function freshUpdate({ write, version, ...name }: OldWrite, snapshot: StateSnapshot): Promise<StateUpdate | undefined> {
  const committed = await hashOf(name, snapshot);
  const value = writtenValue(write);
  const at = { namespace: privateNamespace(name.namespace, name.collection), key: name.key };
  if (committed === undefined) return value === undefined ? { ...at, value: undefined } : undefined;
  if (value === undefined) return undefined;
  const isCurrent = sameVersion(committed.version, version) || equalBytes(sha256(value), committed.value);
  return isCurrent ? { ...at, value: { value, version: committed.version } } : undefined;
}

/** Where only metadata were written, what is here already takes the version over. */
async function raisedUpdate(name: Omit<OldWrite, 'write' | 'version'>, snapshot: StateSnapshot): Promise<StateUpdate | undefined> {
  const at = { namespace: privateNamespace(name.namespace, name.collection), key: name.key };
  const plain = await snapshot.get(at.namespace, at.key);
  const committed = await hashOf(name, snapshot);
  if (plain === undefined || committed === undefined || !equalBytes(sha256(plain.value), committed.value)) return undefined;
  return { ...at, value: { ...plain, version: committed.version } };
}

const hashOf = ({ namespace, collection, key }: Omit<OldWrite, 'write' | 'version'>, snapshot: StateSnapshot) =>
  snapshot.get(hashedNamespace(namespace, collection), stateKeyOfHash(keyHash(key)));
