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
  readonly proposal: SignedQuestion;
  /** Collection configurations are state: read them here, and the read is recorded, as in Fabric. */
  readonly simulator: TxSimulator;
}

/** Judges `member_only_read` and `member_only_write`. */
export interface CollectionAccess {
  /** @throws {SelvageError} `NOT_FOUND` `collection CHANNEL/CHAINCODE/COLLECTION could not be found`, or what the look-up failed with */
  permissions(question: CollectionQuestion): Promise<CollectionPermissions>;
}
