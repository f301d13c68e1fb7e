/** Read-write sets as tests compare them: which keys, and how many of those that are hashes. */
import { kvrwset, rwset } from '../../src/protos/messages.ts';

export const decodedRwset = (bytes: Uint8Array) =>
  rwset.TxReadWriteSet.decode(bytes).nsRwset.map(({ namespace, rwset: set, collectionHashedRwset }) => {
    const { reads, writes } = kvrwset.KVRWSet.decode(set);
    const collections = collectionHashedRwset.map(({ collectionName: name, hashedRwset }) => {
      const { hashedReads, hashedWrites } = kvrwset.HashedRWSet.decode(hashedRwset);
      return { name, reads: hashedReads.length, writes: hashedWrites.length };
    });
    return { namespace, reads: reads.map(({ key }) => key), writes: writes.map(({ key }) => key), collections };
  });
