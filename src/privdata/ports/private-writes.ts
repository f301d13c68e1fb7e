import type { Channel } from '../../channel/channel.ts';
import type { CollectionName } from '../../ledger/pvtdata/private-data-keys.ts';

/** A proposal's private writes, on their way to those who may have them. */
export interface PrivateWrites {
  readonly channel: Channel;
  readonly txId: string;
  /** `rwset.TxPvtReadWriteSet` bytes. */
  readonly rwset: Uint8Array;
  readonly collections: readonly CollectionName[];
}

/** Sees to it that private writes are where the committers will look for them. A failure fails the proposal. */
export interface PrivateDataDistributor {
  distribute(writes: PrivateWrites): Promise<void>;
}
