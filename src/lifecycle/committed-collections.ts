import type { MayHold } from '../ledger/commit/prepared.ts';
import type { CollectionLifetimes } from '../ledger/pvtdata/expiry.ts';
import type { StateSnapshot } from '../ledger/statedb/state.ts';
import { readsOf } from './definitions.ts';
import { findCollection, isMember, type KnownCollection } from './lifecycle-collections.ts';

/** Block-to-live of collections as the chaincode definitions in the state have it, of either lifecycle. */
export const definedLifetimes: CollectionLifetimes = {
  blockToLive: async (collection, snapshot) => {
    const found = await committed(collection, snapshot);
    return found?.kind === 'defined' ? (found.config.blockToLive ?? 0n) : 0n;
  },
};

/** The collections that this organisation is a member of, by the definitions in the state. */
export const heldBy =
  (mspId: string): MayHold =>
  async (collection, snapshot) => {
    const found = await committed(collection, snapshot);
    return found !== undefined && isMember(found, mspId);
  };

const committed = (
  { namespace, collection }: { readonly namespace: string; readonly collection: string },
  snapshot: StateSnapshot,
): Promise<KnownCollection | undefined> => findCollection(readsOf(snapshot), namespace, collection);
