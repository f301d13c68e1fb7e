import type { CollectionName } from '../../ledger/pvtdata/private-data-keys.ts';

/** Private writes of one transaction of a block: who can give their plain values is asked for them. */
export interface PrivateNeed {
  readonly txId: string;
  readonly blockNum: bigint;
  /** Of the transaction in its block. */
  readonly index: number;
  /** Whether it has a code other than VALID, so that nothing of it will be in the state. */
  readonly invalid: boolean;
  /** `SerializedIdentity` bytes of those who endorsed it: they have had the values. */
  readonly endorsers: readonly Uint8Array[];
  readonly collections: readonly NeededCollection[];
}

export interface NeededCollection extends CollectionName {
  /** SHA-256 of the collection's encoded write set. */
  readonly hash: Uint8Array;
}

/** Encoded `rwset.TxPvtReadWriteSet` by the index of their transaction. */
export type PrivateData = ReadonlyMap<number, readonly Uint8Array[]>;

/** Where plain private values come from before their block is committed. What cannot be had is left out: the block does not wait for ever. */
export interface PrivateDataSource {
  /** @throws the signal's reason, or {SelvageError} when this peer's own store cannot be read */
  collect(needs: readonly PrivateNeed[], signal: AbortSignal): Promise<PrivateData>;
}
