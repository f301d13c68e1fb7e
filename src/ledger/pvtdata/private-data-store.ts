import { hex } from '../../common/bytes.ts';
import { kvrwset, rwset } from '../../protos/messages.ts';
import type { MissingPrivateData, PrivateWrites } from '../commit/prepared.ts';
import { BatchedCommit } from '../kv/batched-commit.ts';
import type { KvIterator, KvSnapshot, KvStore, KvWrite } from '../kv/kv-store.ts';
import { after } from '../kv/long-keys.ts';
import { keyHash } from '../simulator/private-namespaces.ts';
import { isNewer } from '../version.ts';
import type { PrivateWriteSet, PurgedValue } from './expiry.ts';
import {
  CLOSED_INDEXED,
  type CollectionName,
  closedCollections,
  closedKey,
  collectionIn,
  hashIn,
  indexKey,
  indexPrefix,
  KEYED_BY_HASH,
  type Missing,
  missingKey,
  missingRange,
  type PrivatePurge,
  purgeKey,
  setKey,
  setsOfBlock,
  UNFINISHED,
  unfinishedKey,
  type WriteSetName,
  writeSetIn,
} from './private-data-keys.ts';
import { type PurgeAudit, UNAUDITED } from './purge-audit.ts';

/** What a block leaves behind for those who may hold private data. */
export interface PrivateDataOfBlock {
  readonly writes: readonly PrivateWrites[];
  readonly missing: readonly MissingPrivateData[];
  readonly purges: readonly PrivatePurge[];
}

const NOTHING = new Uint8Array(0);

/**
 * The private write sets of committed blocks, so that the state can be made again: blocks hold only their hashes. Beside them it is
 * written down which are missing, which keys were purged, and where each key stands, by its hash.
 * @see core/ledger/pvtdatastorage in hyperledger/fabric v2.5
 */
export class PrivateDataStore {
  readonly #kv: KvStore;
  readonly #audit: PurgeAudit;

  /** @param kv stays the caller's; nothing in it can be made again, so it should be synced. Its keys begin with `p`. */
  constructor(kv: KvStore, audit: PurgeAudit = UNAUDITED) {
    this.#kv = kv;
    this.#audit = audit;
  }

  /** Indexes the keys of sets that an earlier version of this program kept. Comes first. */
  async bringUpToDate(): Promise<void> {
    if (!this.#has(KEYED_BY_HASH)) await this.#indexAll();
    if (!this.#has(CLOSED_INDEXED)) await this.#indexClosed();
  }

  /** Keeps what is known of a block. Comes before the block itself: alone it is harmless, and so is doing it again. */
  async put(blockNum: bigint, { writes, missing, purges }: PrivateDataOfBlock): Promise<void> {
    if (writes.length + missing.length + purges.length === 0) return;
    const kept = writes.flatMap((set) => setWrites({ ...set, blockNum }, set.rwset));
    const absent = missing.map((set) => ({
      key: missingKey({ ...set, blockNum }, set.eligible ? 'eligible' : 'ineligible'),
      value: NOTHING,
    }));
    for (const set of missing) if (!set.eligible) absent.push({ key: closedKey(set), value: NOTHING });
    const unfinished = purges.map((purge) => ({ key: unfinishedKey(purge), value: NOTHING }));
    await this.#kv.commit([...kept, ...absent, ...unfinished]);
  }

  /** Removes what is past its time, and that it was missing. */
  async remove(sets: readonly PrivateWriteSet[]): Promise<void> {
    if (sets.length === 0) return;
    using snapshot = this.#kv.snapshot();
    const commit = new BatchedCommit(this.#kv);
    for (const { version, namespace, collection } of sets) {
      const name = { blockNum: version.blockNum, index: Number(version.txNum), namespace, collection };
      const noLonger = notMissing(name, ['eligible', 'deprioritized', 'ineligible']);
      const stored = snapshot.get(setKey(name));
      await commit.add(stored === undefined ? noLonger : [...noLonger, ...replaced(name, stored, undefined)]);
    }
    await commit.end();
  }

  /**
   * Takes purged keys out of every write set that is not newer than the purge, those of the purging transactions included: the value
   * goes, and with the last of them the name of the key. A mark stays, for what arrives later. All of it is one commit, unless the sets
   * are very large together; then what a crash interrupts is done again.
   * @param below purges of blocks before this one, which are committed; those that a crash interrupted are among them
   */
  async purge(below: bigint): Promise<void> {
    using snapshot = this.#kv.snapshot();
    const purges = (await unfinishedPurges(snapshot)).filter(({ version }) => version.blockNum < below);
    if (purges.length === 0) return;
    const commit = new BatchedCommit(this.#kv);
    for (const purge of purges) await commit.add([{ key: purgeKey(purge), value: NOTHING }]);
    let records = 0;
    for (const { name, keys } of (await purgedKeys(snapshot, purges)).values()) {
      const stored = snapshot.get(setKey(name));
      for (const key of keys) this.#audit.going({ ...name, key });
      records += keys.size;
      if (stored !== undefined) await commit.add(replaced(name, stored, without(stored, keys)));
    }
    for (const purge of purges) await commit.add([{ key: unfinishedKey(purge), value: undefined }]);
    await commit.end();
    this.#audit.gone(purges.length, records);
  }

  /** The key behind a hash, where a set that is here holds it. */
  async plainKey(collection: CollectionName, hash: Uint8Array): Promise<string | undefined> {
    using snapshot = this.#kv.snapshot();
    using entries = snapshot.range(indexRange(collection, hash));
    const entry = await entries.next();
    return entry && textOf(entry.value);
  }

  /** What a purge is about to take away: every value of its key that is here, by the block that wrote it. */
  async purgedBy(purges: readonly PrivatePurge[]): Promise<readonly PurgedValue[]> {
    using snapshot = this.#kv.snapshot();
    const found = await Promise.all(purges.map((purge) => placesOf(snapshot, purge)));
    return found.flat().map(({ name: { namespace, collection, blockNum }, key }) => ({ namespace, collection, key, blockNum }));
  }

  /** Whether a private write of this version was purged since. */
  async isPurged({ namespace, collection, keyHash: hash, version }: PrivatePurge): Promise<boolean> {
    using snapshot = this.#kv.snapshot();
    const first = purgeKey({ namespace, collection, keyHash: hash, version });
    const last = after(first.subarray(0, first.length - VERSION));
    using entries = snapshot.range({ gte: first, lt: last });
    return (await entries.next()) !== undefined;
  }

  async missing(why: Missing, { below, blocks }: { readonly below?: bigint | undefined; readonly blocks: number }) {
    using snapshot = this.#kv.snapshot();
    using entries = snapshot.range({ ...missingRange(why, below), reverse: true });
    const found: WriteSetName[] = [];
    const seen = new Set<bigint>();
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
      const name = writeSetIn(entry.key);
      if (seen.add(name.blockNum).size > blocks) break;
      found.push(name);
    }
    return found;
  }

  /** Whether a set is wanted that is not here. */
  isMissing(name: WriteSetName): boolean {
    return this.#has(missingKey(name, 'eligible')) || this.#has(missingKey(name, 'deprioritized'));
  }

  /** Keeps sets of blocks that were committed without them. Comes after the state that they change: those that a crash leaves missing are had again. */
  async putOld(sets: readonly (WriteSetName & { readonly rwset: Uint8Array })[]): Promise<void> {
    if (sets.length === 0) return;
    await this.#kv.commit(sets.flatMap((set) => [...setWrites(set, set.rwset), ...notMissing(set, ['eligible', 'deprioritized'])]));
  }

  /** Of what nobody had when it was asked for: others come first. */
  async deprioritize(sets: readonly WriteSetName[]): Promise<void> {
    const writes = sets
      .filter((set) => this.#has(missingKey(set, 'eligible')))
      .flatMap((set) => [...notMissing(set, ['eligible']), { key: missingKey(set, 'deprioritized'), value: NOTHING }]);
    if (writes.length > 0) await this.#kv.commit(writes);
  }

  /** Collections with sets that this organisation might not have when their blocks came. */
  async closedCollections(): Promise<readonly CollectionName[]> {
    using snapshot = this.#kv.snapshot();
    using entries = snapshot.range(closedCollections);
    return await all(entries, ({ key }) => collectionIn(key));
  }

  /** From now on others are asked for what is missing of a collection. @returns how many sets that are */
  async openCollection(collection: CollectionName): Promise<number> {
    using snapshot = this.#kv.snapshot();
    using entries = snapshot.range(missingRange('ineligible'));
    const commit = new BatchedCommit(this.#kv);
    let opened = 0;
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
      const name = writeSetIn(entry.key);
      if (name.namespace !== collection.namespace || name.collection !== collection.collection) continue;
      await commit.add([
        { key: entry.key, value: undefined },
        { key: missingKey(name, 'eligible'), value: NOTHING },
      ]);
      opened += 1;
    }
    await commit.add([{ key: closedKey(collection), value: undefined }]);
    await commit.end();
    return opened;
  }

  /** `kvrwset.KVRWSet` bytes; undefined where the set is not here. */
  writeSet(name: WriteSetName): Uint8Array | undefined {
    using snapshot = this.#kv.snapshot();
    return snapshot.get(setKey(name));
  }

  /** `rwset.TxPvtReadWriteSet` bytes of what is here of a block, by the index of their transaction. */
  async ofBlock(blockNum: bigint): Promise<ReadonlyMap<number, readonly Uint8Array[]>> {
    using snapshot = this.#kv.snapshot();
    const prefix = setsOfBlock(blockNum);
    using entries = snapshot.range({ gte: prefix, lt: after(prefix) });
    const sets = new Map<number, rwset.NsPvtReadWriteSetInit[]>();
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
      const { index, namespace, collection } = writeSetIn(entry.key);
      const ofTransaction = sets.get(index) ?? [];
      sets.set(index, ofTransaction);
      ofTransaction.push({ namespace, collectionPvtRwset: [{ collectionName: collection, rwset: entry.value }] });
    }
    const encoded = (nsPvtRwset: rwset.NsPvtReadWriteSetInit[]): readonly Uint8Array[] => [
      rwset.TxPvtReadWriteSet.encode({ dataModel: rwset.TxReadWriteSet_DataModel.KV, nsPvtRwset }),
    ];
    return new Map([...sets].map(([index, ofTransaction]) => [index, encoded(ofTransaction)]));
  }

  #has(key: Uint8Array): boolean {
    using snapshot = this.#kv.snapshot();
    return snapshot.get(key) !== undefined;
  }

  async #indexAll(): Promise<void> {
    using snapshot = this.#kv.snapshot();
    const prefix = Buffer.from('pv');
    using entries = snapshot.range({ gte: prefix, lt: after(prefix) });
    const commit = new BatchedCommit(this.#kv);
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next())
      await commit.add(setWrites(writeSetIn(entry.key), entry.value));
    await commit.add([{ key: KEYED_BY_HASH, value: NOTHING }]);
    await commit.end();
  }

  async #indexClosed(): Promise<void> {
    using snapshot = this.#kv.snapshot();
    using entries = snapshot.range(missingRange('ineligible'));
    const closed = new Map<string, CollectionName>();
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
      const { namespace, collection } = writeSetIn(entry.key);
      closed.set(`${namespace}\0${collection}`, { namespace, collection });
    }
    const writes = [...closed.values()].map((name) => ({ key: closedKey(name), value: NOTHING }));
    await this.#kv.commit([...writes, { key: CLOSED_INDEXED, value: NOTHING }]);
  }
}

const notMissing = (name: WriteSetName, whys: readonly Missing[]): KvWrite[] =>
  whys.map((why) => ({ key: missingKey(name, why), value: undefined }));

/** Bytes of a version at the end of a key. */
const VERSION = 12;

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

const indexRange = (collection: CollectionName, hash: Uint8Array) => {
  const prefix = indexPrefix(collection, hash);
  return { gte: prefix, lt: after(prefix) };
};

/** The sets that hold a purged key and are not newer than its purge. */
async function placesOf(
  snapshot: KvSnapshot,
  purge: PrivatePurge,
): Promise<readonly { readonly name: WriteSetName; readonly key: string }[]> {
  using entries = snapshot.range(indexRange(purge, purge.keyHash));
  const places = await all(entries, ({ key, value }) => ({ version: hashIn(key, 2).version, key: textOf(value) }));
  const { namespace, collection } = purge;
  return places
    .filter(({ version }) => !isNewer(version, purge.version))
    .map(({ version, key }) => ({ name: { blockNum: version.blockNum, index: Number(version.txNum), namespace, collection }, key }));
}

async function unfinishedPurges(snapshot: KvSnapshot): Promise<readonly PrivatePurge[]> {
  using entries = snapshot.range({ gte: UNFINISHED, lt: after(UNFINISHED) });
  return await all(entries, ({ key }) => hashIn(key, UNFINISHED.length));
}

/** By set: what purges take out of it, so that each set is looked through once however many of its keys go. */
async function purgedKeys(
  snapshot: KvSnapshot,
  purges: readonly PrivatePurge[],
): Promise<ReadonlyMap<string, { readonly name: WriteSetName; readonly keys: Set<string> }>> {
  const sets = new Map<string, { readonly name: WriteSetName; readonly keys: Set<string> }>();
  for (const purge of purges) {
    for (const { name, key } of await placesOf(snapshot, purge)) {
      const id = hex(setKey(name));
      const set = sets.get(id) ?? { name, keys: new Set() };
      sets.set(id, set);
      set.keys.add(key);
    }
  }
  return sets;
}

async function all<T>(entries: KvIterator, read: (entry: { readonly key: Uint8Array; readonly value: Uint8Array }) => T): Promise<T[]> {
  const found: T[] = [];
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) found.push(read(entry));
  return found;
}

const keysIn = ({ writes, metadataWrites }: kvrwset.KVRWSet): string[] => [...writes, ...metadataWrites].map(({ key }) => key);

/** A set and where its keys are found by their hashes. */
function setWrites(name: WriteSetName, set: Uint8Array): KvWrite[] {
  const keys = new Set(keysIn(kvrwset.KVRWSet.decode(set)));
  const index = [...keys].map((key) => ({ key: indexKey(name, keyHash(key)), value: Buffer.from(key, 'utf8') }));
  return [{ key: setKey(name), value: set }, ...index];
}

/** What makes one stored set another, or none: keys that it no longer has are no longer found either. */
function replaced(name: WriteSetName, before: Uint8Array, now: Uint8Array | undefined): KvWrite[] {
  const gone = keysIn(kvrwset.KVRWSet.decode(before)).map((key) => ({ key: indexKey(name, keyHash(key)), value: undefined }));
  return [...gone, ...(now === undefined ? [{ key: setKey(name), value: undefined }] : setWrites(name, now))];
}

/** A set without these keys. An empty one stays as well: it says that nothing is missing, to this peer and to who asks it. */
function without(set: Uint8Array, keys: ReadonlySet<string>): Uint8Array {
  const { writes, metadataWrites } = kvrwset.KVRWSet.decode(set);
  return kvrwset.KVRWSet.encode({
    writes: writes.filter(({ key }) => !keys.has(key)),
    metadataWrites: metadataWrites.filter(({ key }) => !keys.has(key)),
  });
}
