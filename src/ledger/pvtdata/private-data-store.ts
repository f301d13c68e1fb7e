import { concatBytes } from '../../common/bytes.ts';
import { rwset } from '../../protos/messages.ts';
import type { PrivateWrites } from '../commit/prepared.ts';
import type { KvStore } from '../kv/kv-store.ts';
import { after } from '../kv/long-keys.ts';
import type { PrivateWriteSet } from './expiry.ts';

/** The private write sets of committed blocks, so that the state can be made again: blocks hold only their hashes. */
export class PrivateDataStore {
  readonly #kv: KvStore;

  /** @param kv stays the caller's; nothing in it can be made again, so it should be synced. Its keys begin with `pv`. */
  constructor(kv: KvStore) {
    this.#kv = kv;
  }

  /** Keeps what is at hand for a block. Comes before the block itself: alone it is harmless. */
  async put(blockNum: bigint, writes: readonly PrivateWrites[]): Promise<void> {
    if (writes.length === 0) return;
    await this.#kv.commit(
      writes.map(({ index, namespace, collection, rwset: set }) => ({
        key: keyOf(blockNum, index, { namespace, collection }),
        value: set,
      })),
    );
  }

  /** Removes what is past its time. */
  async remove(sets: readonly PrivateWriteSet[]): Promise<void> {
    if (sets.length === 0) return;
    await this.#kv.commit(sets.map((set) => ({ key: keyOf(set.version.blockNum, Number(set.version.txNum), set), value: undefined })));
  }

  /** `rwset.TxPvtReadWriteSet` bytes of one transaction; none when nothing of it is here. */
  async get(blockNum: bigint, index: number): Promise<readonly Uint8Array[]> {
    using snapshot = this.#kv.snapshot();
    const prefix = prefixOf(blockNum, index);
    using entries = snapshot.range({ gte: prefix, lt: after(prefix) });
    const nsPvtRwset: rwset.NsPvtReadWriteSetInit[] = [];
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
      const [namespace, collectionName] = Buffer.from(entry.key.subarray(prefix.length)).toString('utf8').split('\0');
      nsPvtRwset.push({ namespace, collectionPvtRwset: [{ collectionName, rwset: entry.value }] });
    }
    return nsPvtRwset.length === 0 ? [] : [rwset.TxPvtReadWriteSet.encode({ dataModel: rwset.TxReadWriteSet_DataModel.KV, nsPvtRwset })];
  }
}

const keyOf = (blockNum: bigint, index: number, { namespace, collection }: Pick<PrivateWriteSet, 'namespace' | 'collection'>): Uint8Array =>
  concatBytes(prefixOf(blockNum, index), Buffer.from(`${namespace}\0${collection}`, 'utf8'));

function prefixOf(blockNum: bigint, index: number): Uint8Array {
  const bytes = Buffer.alloc(14);
  bytes.write('pv', 0, 'utf8');
  bytes.writeBigUInt64BE(blockNum, 2);
  bytes.writeUInt32BE(index, 10);
  return bytes;
}
