import { findCollection } from '../chaincode/lifecycle/lifecycle-collections.ts';
import type { CollectionLifetimes } from '../ledger/pvtdata/expiry.ts';

/** Block-to-live of collections as the chaincode definitions in the state have it, of either lifecycle. */
export const definedLifetimes: CollectionLifetimes = {
  blockToLive: async ({ namespace, collection }, snapshot) => {
    const state = { getState: async (ns: string, key: string) => (await snapshot.get(ns, key))?.value };
    const found = await findCollection(state, namespace, collection);
    return found?.kind === 'defined' ? (found.config.blockToLive ?? 0n) : 0n;
  },
};
