const PREFIX = '_implicit_org_';

/**
 * The collection that every chaincode of the 2.x lifecycle has for each organisation without defining it.
 * @see core/chaincode/implicitcollection in hyperledger/fabric v2.5
 */
export const implicitCollection = (mspId: string): string => `${PREFIX}${mspId}`;

/** Whose collection it is; undefined for one that somebody defined. */
export const ownerOf = (collection: string): string | undefined =>
  collection.startsWith(PREFIX) ? collection.slice(PREFIX.length) : undefined;
