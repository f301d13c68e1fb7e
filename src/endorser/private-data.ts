import type { Channel } from '../channel/channel.ts';

/** A proposal's private writes, on their way to those who may have them. */
export interface PrivateWrites {
  readonly channel: Channel;
  readonly txId: string;
  /** `rwset.TxPvtReadWriteSet` bytes. */
  readonly rwset: Uint8Array;
  readonly collections: readonly { readonly namespace: string; readonly collection: string }[];
}

/** Sees to it that private writes are where the committers will look for them. A failure fails the proposal. */
export interface PrivateDataDistributor {
  distribute(writes: PrivateWrites): Promise<void>;
}

/** Keeps private writes in this peer's transient store; other peers of the collection pull them from here. */
export const keepInTransientStore: PrivateDataDistributor = {
  distribute: ({ channel: { ledger }, txId, rwset }) => ledger.transient.put(txId, ledger.blocks.info().height, rwset),
};
