import { SelvageError } from '../common/errors.ts';
import type { TxSimulator } from '../ledger/simulator/tx-simulator.ts';
import type { protos } from '../protos/messages.ts';

/** What the creator of a proposal may do with one collection. */
export interface CollectionPermissions {
  readonly read: boolean;
  readonly write: boolean;
}

/** Who asks, and what proves it. Bytes are as received. */
export interface SignedQuestion {
  readonly signedProposal: protos.SignedProposal;
  /** `SerializedIdentity` bytes of whoever signed the proposal. */
  readonly creator: Uint8Array;
}

/** A collection as one transaction names it. */
export interface CollectionQuestion {
  readonly channelId: string;
  readonly chaincode: string;
  readonly collection: string;
  /** A hash is on every peer: the ledger alone decides whether there is such a collection, and says so in its own words. */
  readonly wanted: 'value' | 'hash';
  readonly proposal: SignedQuestion;
  /** Collection configurations are state: read them here, and the read is recorded, as in Fabric. */
  readonly simulator: TxSimulator;
}

/** Judges `member_only_read` and `member_only_write`. */
export interface CollectionAccess {
  /** @throws {SelvageError} `NOT_FOUND` where there is no such collection, or what the look-up failed with */
  permissions(question: CollectionQuestion): Promise<CollectionPermissions>;
}

/** Nobody defined it. @see RetrieveReadWritePermission in hyperledger/fabric v2.5, core/common/privdata/store.go */
export function unknownCollection(question: Pick<CollectionQuestion, 'channelId' | 'chaincode' | 'collection' | 'wanted'>): SelvageError {
  const { channelId, chaincode, collection, wanted } = question;
  if (wanted === 'hash') return undefinedCollection(question);
  return new SelvageError('NOT_FOUND', `collection ${channelId}/${chaincode}/${collection} could not be found`);
}

/**
 * The ledger knows no such collection: an organisation's own one, too, is there only while the channel has the organisation.
 * @see InvalidCollNameError in hyperledger/fabric v2.5, core/ledger/ledger_interface.go
 */
export const undefinedCollection = ({ chaincode, collection }: Pick<CollectionQuestion, 'chaincode' | 'collection'>): SelvageError =>
  new SelvageError('NOT_FOUND', `collection [${collection}] not defined in the collection config for chaincode [${chaincode}]`);

/** A chaincode of the legacy lifecycle that was deployed without any. @see CollConfigNotDefinedError, in the same file */
export const noCollections = (chaincode: string): SelvageError =>
  new SelvageError(
    'NOT_FOUND',
    `collection config not defined for chaincode [${chaincode}], pass the collection configuration upon chaincode definition/instantiation`,
  );
