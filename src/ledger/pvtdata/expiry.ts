/**
 * Private data with a lifetime: keys of a collection with block-to-live n, hashes and plain values alike, are deleted by the
 * commit of block (written + n + 1) unless they were written again since. The schedule lies beside the state (`x`: block,
 * then namespace and key as in the state).
 * @see core/ledger/kvledger/txmgmt/pvtstatepurgemgmt in hyperledger/fabric v2.5
 */
import { concatBytes } from '../../common/bytes.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import type { KvStore, KvWrite } from '../kv/kv-store.ts';
import { hashedNamespace, privateNamespace } from '../simulator/private-namespaces.ts';
import type { StateSnapshot, StateUpdate } from '../statedb/state.ts';
import { decodeStateValue, encodeStateValue } from '../statedb/state-value.ts';
import { sameVersion, type Version } from '../version.ts';

/** How long private data lives, which the channel's chaincode definitions say. */
export interface CollectionLifetimes {
  /**
   * Block-to-live of a collection by the definition in `snapshot`; 0 is for ever, also for a collection nobody defined.
   * @param snapshot state before the block that writes it
   */
  blockToLive(collection: { readonly namespace: string; readonly collection: string }, snapshot: StateSnapshot): MaybePromise<bigint>;
}

export const FOR_EVER: CollectionLifetimes = { blockToLive: () => 0n };

export interface PrivateWriteSet {
  readonly version: Version;
  readonly namespace: string;
  readonly collection: string;
}

export interface Expiry {
  /** Deletions that the block brings with it; they are in no history and no commit hash. */
  readonly updates: readonly StateUpdate[];
  /** The schedule's own changes. */
  readonly writes: readonly KvWrite[];
  /** Write sets whose private data are past their time. */
  readonly expired: readonly PrivateWriteSet[];
}

/** A private value that a purge takes away, and the block that wrote it. */
export interface PurgedValue {
  readonly namespace: string;
  readonly collection: string;
  readonly key: string;
  readonly blockNum: bigint;
}

export interface ExpiryOf {
  readonly blockNum: bigint;
  /** What the transactions of the block do to the state. */
  readonly updates: readonly StateUpdate[];
  /** State before the block. */
  readonly snapshot: StateSnapshot;
  /** Private values that the block takes away for good. */
  readonly purged?: readonly PurgedValue[];
  /** Every private write set that the block brings, here or missing, of valid and invalid transactions. */
  readonly sets?: readonly PrivateWriteSet[];
}

export class ExpirySchedule {
  readonly #kv: KvStore;
  readonly #lifetimes: CollectionLifetimes;

  constructor({ kv, lifetimes }: { readonly kv: KvStore; readonly lifetimes: CollectionLifetimes }) {
    this.#kv = kv;
    this.#lifetimes = lifetimes;
  }

  /** What a block makes expire, and when its own private writes will. Changes nothing. */
  async forBlock(block: ExpiryOf): Promise<Expiry> {
    const due = await this.#due(block.blockNum);
    const touched = new Set(due.length === 0 ? [] : block.updates.map(({ namespace, key }) => `${namespace}\0${key}`));
    const updates: StateUpdate[] = [];
    for (const { namespace, key, version } of due) {
      if (touched.has(`${namespace}\0${key}`)) continue;
      const current = await block.snapshot.get(namespace, key);
      if (current !== undefined && sameVersion(current.version, version)) updates.push({ namespace, key, value: undefined });
    }
    const removals = due.map(({ scheduled }) => ({ key: scheduled, value: undefined }));
    const forgotten = await this.#forget(block.purged ?? [], block.snapshot);
    const traceless = await this.#traceless(block);
    return { updates, writes: [...removals, ...forgotten, ...traceless, ...(await this.#additions(block))], expired: writeSets(due) };
  }

  /**
   * When private values of blocks that are committed already will expire, by the version that they are given.
   * @param updates of plain values
   */
  async forOld(updates: readonly StateUpdate[], snapshot: StateSnapshot): Promise<readonly KvWrite[]> {
    const writes: KvWrite[] = [];
    for (const update of updates) {
      const blockNum = update.value?.version.blockNum;
      if (blockNum !== undefined) writes.push(...(await this.#additions({ blockNum, updates: [update], snapshot })));
    }
    return writes;
  }

  /**
   * Sets that leave no value in the state by which they would be found when their time has come: those of invalid transactions, deletions,
   * purges, metadata of keys that there are not, and what a later transaction of the block overwrites. A key stands for such a set itself:
   * no hash is so short.
   */
  async #traceless({ sets = [], updates, snapshot }: ExpiryOf): Promise<KvWrite[]> {
    const traced = new Set(
      updates.flatMap(({ namespace, value }) => (value === undefined ? [] : [`${namespace}\0${value.version.txNum}`])),
    );
    const writes: KvWrite[] = [];
    for (const { version, namespace, collection } of sets) {
      const name = `${hashedNamespace(namespace, collection)}\0${version.txNum}`;
      if (traced.has(name)) continue;
      const blocks = await this.#lifetimes.blockToLive({ namespace, collection }, snapshot);
      const due = version.blockNum + blocks + 1n;
      if (blocks === 0n || due >= NEVER) continue;
      const scheduled = concatBytes(dueAt(due), Buffer.from(name, 'utf8'));
      writes.push({ key: scheduled, value: encodeStateValue({ value: new Uint8Array(0), version }) });
    }
    return writes;
  }

  /** What takes private values that were purged out of the schedule, as if they had never been written. */
  async #forget(values: readonly PurgedValue[], snapshot: StateSnapshot): Promise<KvWrite[]> {
    const writes: KvWrite[] = [];
    for (const { namespace, collection, key, blockNum } of values) {
      const blocks = await this.#lifetimes.blockToLive({ namespace, collection }, snapshot);
      const due = blockNum + blocks + 1n;
      if (blocks === 0n || due >= NEVER) continue;
      const scheduled = concatBytes(dueAt(due), Buffer.from(`${privateNamespace(namespace, collection)}\0${key}`, 'utf8'));
      writes.push({ key: scheduled, value: undefined });
    }
    return writes;
  }

  async #due(blockNum: bigint): Promise<Due[]> {
    using snapshot = this.#kv.snapshot();
    using entries = snapshot.range({ gte: dueAt(blockNum), lt: dueAt(blockNum + 1n) });
    const due: Due[] = [];
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
      const [, namespace = '', key = ''] = /^([^\0]*)\0(.*)$/s.exec(Buffer.from(entry.key.subarray(DUE_AT)).toString('utf8')) ?? [];
      due.push({ namespace, key, version: decodeStateValue(entry.value).version, scheduled: entry.key });
    }
    return due;
  }

  async #additions({ blockNum, updates, snapshot }: ExpiryOf): Promise<KvWrite[]> {
    const lifetimes = new Map<string, bigint>();
    const writes: KvWrite[] = [];
    for (const { namespace, key, value } of updates) {
      const collection = collectionOf(namespace);
      if (collection === undefined || value === undefined) continue;
      const blocks = lifetimes.get(namespace) ?? (await this.#lifetimes.blockToLive(collection, snapshot));
      lifetimes.set(namespace, blocks);
      const due = blockNum + blocks + 1n;
      if (blocks === 0n || due >= NEVER) continue;
      const scheduled = concatBytes(dueAt(due), Buffer.from(`${namespace}\0${key}`, 'utf8'));
      writes.push({ key: scheduled, value: encodeStateValue({ value: new Uint8Array(0), version: value.version }) });
    }
    return writes;
  }
}

interface Due {
  readonly namespace: string;
  readonly key: string;
  readonly version: Version;
  readonly scheduled: Uint8Array;
}

const NEVER = 2n ** 64n - 1n;
const DUE_AT = 9;

function dueAt(blockNum: bigint): Uint8Array {
  const bytes = Buffer.from('x\0\0\0\0\0\0\0\0');
  bytes.writeBigUInt64BE(blockNum, 1);
  return bytes;
}

/** The collection behind a namespace of the state, plain or hashed. */
function collectionOf(namespace: string): { readonly namespace: string; readonly collection: string } | undefined {
  const [, name = '', collection = ''] = /^(.*?)\$\$[ph](.+)$/s.exec(namespace) ?? [];
  return collection === '' ? undefined : { namespace: name, collection };
}

/** Each write set once: its keys expire together. */
function writeSets(due: readonly Due[]): PrivateWriteSet[] {
  const sets = new Map<string, PrivateWriteSet>();
  for (const { namespace, version } of due) {
    const collection = collectionOf(namespace);
    if (collection !== undefined)
      sets.set(`${version.blockNum} ${version.txNum} ${collection.namespace} ${collection.collection}`, { version, ...collection });
  }
  return [...sets.values()];
}
