import { legacyCollection } from '../chaincode/lifecycle/legacy-collection-access.ts';
import type { CollectionLifetimes } from '../ledger/pvtdata/expiry.ts';

/** Block-to-live of collections as the chaincode definitions in the state have it. */
export const legacyLifetimes: CollectionLifetimes = {
  blockToLive: async ({ namespace, collection }, snapshot) => (await legacyCollection(snapshot, namespace, collection))?.blockToLive ?? 0n,
};
