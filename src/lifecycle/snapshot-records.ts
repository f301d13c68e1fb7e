import { hashedNamespace, keyHash, stateKeyOfHash } from '../ledger/simulator/private-namespaces.ts';
import type { StateSnapshot } from '../ledger/statedb/state.ts';
import { implicitCollection } from './implicit-collections.ts';
import { type HashedRecords, LIFECYCLE, type ReadableRecords } from './records.ts';

type Reads = Pick<StateSnapshot, 'get'>;

/** The public records of a channel as they are committed. */
export const committedRecords = (snapshot: Reads): ReadableRecords => ({
  get: async (key) => (await snapshot.get(LIFECYCLE, key))?.value,
});

/** What everybody knows of an organisation's own records. */
export function committedHashes(snapshot: Reads, mspId: string): HashedRecords {
  const namespace = hashedNamespace(LIFECYCLE, implicitCollection(mspId));
  return { hashOf: async (key) => (await snapshot.get(namespace, stateKeyOfHash(keyHash(key))))?.value };
}
