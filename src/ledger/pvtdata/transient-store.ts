import { concatBytes, sha256 } from '../../common/bytes.ts';
import { transientstore } from '../../protos/messages.ts';
import { BatchedCommit } from '../kv/batched-commit.ts';
import type { KvIterator, KvStore } from '../kv/kv-store.ts';
import { after } from '../kv/long-keys.ts';
import type { CollectionConfigs, KeptPrivateData, TransientStore } from '../ledger.ts';

const NOTHING = new Uint8Array(0);

/**
 * Private write sets that wait for their transaction to be committed. Kept under the transaction (`tp`: id, then height and
 * hash of the set, so that putting the same set again changes nothing) and found by height for those that never are (`th`).
 */
export class KvTransientStore implements TransientStore {
  readonly #kv: KvStore;

  /** @param kv stays the caller's; nothing in it can be made again, so it should be synced */
  constructor(kv: KvStore) {
    this.#kv = kv;
  }

  async put(txId: string, height: bigint, rwset: Uint8Array, configs: CollectionConfigs = {}): Promise<void> {
    const value = entryOf(rwset, configs);
    const at = concatBytes(heightBytes(height), sha256(value));
    await this.#kv.commit([
      { key: concatBytes(prefixOf(txId), at), value },
      { key: concatBytes(BY_HEIGHT, at, Buffer.from(txId, 'utf8')), value: NOTHING },
    ]);
  }

  async get(txId: string): Promise<readonly KeptPrivateData[]> {
    const found: KeptPrivateData[] = [];
    for await (const kept of this.each(txId)) found.push(kept);
    return found;
  }

  async *each(txId: string): AsyncGenerator<KeptPrivateData> {
    using snapshot = this.#kv.snapshot();
    using entries = snapshot.range({ gte: prefixOf(txId), lt: after(prefixOf(txId)) });
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) yield keptIn(entry.value);
  }

  /** Removes what these transactions left, and whatever was put at a height below `belowHeight`: in one commit, unless it is very much. */
  async purge(txIds: readonly string[], belowHeight: bigint): Promise<void> {
    using snapshot = this.#kv.snapshot();
    const commit = new BatchedCommit(this.#kv);
    for (const txId of txIds)
      await removeAll(snapshot.range({ gte: prefixOf(txId), lt: after(prefixOf(txId)) }), (key) => ofTransaction(txId, key), commit);
    await removeAll(snapshot.range({ gte: BY_HEIGHT, lt: concatBytes(BY_HEIGHT, heightBytes(belowHeight)) }), ofHeight, commit);
    await commit.end();
  }
}

async function removeAll(found: KvIterator, keysOf: (key: Uint8Array) => Uint8Array[], commit: BatchedCommit): Promise<void> {
  using entries = found;
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next())
    await commit.add(keysOf(entry.key).map((key) => ({ key, value: undefined })));
}

/** No write set begins with it: earlier versions kept the set alone. */
const WITH_CONFIGS = 0;
const HEAD = 5;

function entryOf(rwset: Uint8Array, { endorsedAt, collectionConfigs }: CollectionConfigs): Uint8Array {
  const known = transientstore.TxPvtReadWriteSetWithConfigInfo.encode({ endorsedAt, collectionConfigs });
  const head = Buffer.alloc(HEAD, WITH_CONFIGS);
  head.writeUInt32BE(known.length, 1);
  return concatBytes(head, known, rwset);
}

function keptIn(entry: Uint8Array): KeptPrivateData {
  if (entry[0] !== WITH_CONFIGS) return { rwset: entry, endorsedAt: 0n, collectionConfigs: new Map() };
  const end = HEAD + Buffer.from(entry.buffer, entry.byteOffset, HEAD).readUInt32BE(1);
  const { endorsedAt, collectionConfigs } = transientstore.TxPvtReadWriteSetWithConfigInfo.decode(entry.subarray(HEAD, end));
  return { rwset: entry.subarray(end), endorsedAt, collectionConfigs };
}

const BY_HEIGHT = Buffer.from('th', 'utf8');
const HEIGHT_AND_HASH = 8 + 32;

/** The length before the id keeps ids apart that begin alike. */
function prefixOf(txId: string): Uint8Array {
  const id = Buffer.from(txId, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(id.length);
  return concatBytes(Buffer.from('tp', 'utf8'), length, id);
}

/** Both keys of the entry that lies at `key` under its transaction. */
const ofTransaction = (txId: string, key: Uint8Array): Uint8Array[] => [
  key,
  concatBytes(BY_HEIGHT, key.subarray(key.length - HEIGHT_AND_HASH), Buffer.from(txId, 'utf8')),
];

/** Both keys of the entry that lies at `key` under its height. */
function ofHeight(key: Uint8Array): Uint8Array[] {
  const at = key.subarray(BY_HEIGHT.length, BY_HEIGHT.length + HEIGHT_AND_HASH);
  const txId = Buffer.from(key.subarray(BY_HEIGHT.length + HEIGHT_AND_HASH)).toString('utf8');
  return [key, concatBytes(prefixOf(txId), at)];
}

function heightBytes(height: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(height);
  return bytes;
}
