import { legacyCollection } from '../chaincode/lifecycle/legacy-collection-access.ts';
import type { CollectionLifetimes } from '../ledger/pvtdata/expiry.ts';

/** Block-to-live of collections as the chaincode definitions in the state have it. */
export const legacyLifetimes: CollectionLifetimes = {
  blockToLive: async ({ namespace, collection }, snapshot) => {
    const state = { getState: async (ns: string, key: string) => (await snapshot.get(ns, key))?.value };
    return (await legacyCollection(state, namespace, collection))?.blockToLive ?? 0n;
  },
};
