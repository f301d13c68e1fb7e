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

  /** `rwset.TxPvtReadWriteSet` bytes of what is here of a block, by the index of their transaction. */
  async ofBlock(blockNum: bigint): Promise<ReadonlyMap<number, readonly Uint8Array[]>> {
    using snapshot = this.#kv.snapshot();
    using entries = snapshot.range({ gte: blockPrefix(blockNum), lt: after(blockPrefix(blockNum)) });
    const sets = new Map<number, rwset.NsPvtReadWriteSetInit[]>();
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
      const key = Buffer.from(entry.key);
      const index = key.readUInt32BE(INDEX_AT);
      const [namespace, collectionName] = key
        .subarray(INDEX_AT + 4)
        .toString('utf8')
        .split('\0');
      sets.set(index, [...(sets.get(index) ?? []), { namespace, collectionPvtRwset: [{ collectionName, rwset: entry.value }] }]);
    }
    const encoded = (nsPvtRwset: rwset.NsPvtReadWriteSetInit[]): readonly Uint8Array[] => [
      rwset.TxPvtReadWriteSet.encode({ dataModel: rwset.TxReadWriteSet_DataModel.KV, nsPvtRwset }),
    ];
    return new Map([...sets].map(([index, ofTransaction]) => [index, encoded(ofTransaction)]));
  }
}

/** Where the index of the transaction stands in a key: behind `pv` and the number of the block. */
const INDEX_AT = 10;

const keyOf = (blockNum: bigint, index: number, { namespace, collection }: Pick<PrivateWriteSet, 'namespace' | 'collection'>): Uint8Array =>
  concatBytes(prefixOf(blockNum, index), Buffer.from(`${namespace}\0${collection}`, 'utf8'));

function prefixOf(blockNum: bigint, index: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(index);
  return concatBytes(blockPrefix(blockNum), bytes);
}

function blockPrefix(blockNum: bigint): Uint8Array {
  const bytes = Buffer.alloc(INDEX_AT);
  bytes.write('pv', 0, 'utf8');
  bytes.writeBigUInt64BE(blockNum, 2);
  return bytes;
}
