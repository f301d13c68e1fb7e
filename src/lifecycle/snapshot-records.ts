import { hashedNamespace, keyHash, stateKeyOfHash } from '../ledger/simulator/private-namespaces.ts';
import type { StateSnapshot } from '../ledger/statedb/state.ts';
import { implicitCollection } from './implicit-collections.ts';
import { type HashedRecords, LIFECYCLE, type ReadableRecords } from './records.ts';

/** Reads of the committed state at one height. A `StateSnapshot` is one. */
export type CommittedReads = Pick<StateSnapshot, 'get'>;

/** The public records of a channel as they are committed. */
export const committedRecords = (snapshot: CommittedReads): ReadableRecords => ({
  get: async (key) => (await snapshot.get(LIFECYCLE, key))?.value,
});

/** What everybody knows of an organisation's own records. */
export function committedHashes(snapshot: CommittedReads, mspId: string): HashedRecords {
  const namespace = hashedNamespace(LIFECYCLE, implicitCollection(mspId));
  return { hashOf: async (key) => (await snapshot.get(namespace, stateKeyOfHash(keyHash(key))))?.value };
}
