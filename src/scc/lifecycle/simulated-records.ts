import type { TxSimulator } from '../../ledger/simulator/tx-simulator.ts';
import { implicitCollection } from '../../lifecycle/implicit-collections.ts';
import { type HashedRecords, LIFECYCLE, type WritableRecords } from '../../lifecycle/records.ts';

/** The public records of a channel. What is read and written is recorded. */
export const publicRecords = (simulator: TxSimulator): WritableRecords => ({
  get: (key) => simulator.getState(LIFECYCLE, key),
  put: (key, value) => simulator.putState(LIFECYCLE, key, value),
  delete: (key) => simulator.deleteState(LIFECYCLE, key),
});

/** What an organisation keeps for itself, in its own collection. */
export function organizationRecords(simulator: TxSimulator, mspId: string): WritableRecords {
  const collection = implicitCollection(mspId);
  return {
    get: (key) => simulator.getPrivateData(LIFECYCLE, collection, key),
    put: (key, value) => simulator.putPrivateData(LIFECYCLE, collection, key, value),
    delete: (key) => simulator.deletePrivateData(LIFECYCLE, collection, key),
  };
}

/** What everybody can know of it. */
export function hashedRecords(simulator: TxSimulator, mspId: string): HashedRecords {
  const collection = implicitCollection(mspId);
  return { hashOf: (key) => simulator.getPrivateDataHash(LIFECYCLE, collection, key) };
}
