import type { MaybePromise } from '../../common/maybe.ts';
import type { common, google } from '../../protos/messages.ts';
import type { InvalidReason } from '../ledger.ts';
import type { PrivatePurge } from '../pvtdata/private-data-keys.ts';
import type { StateSnapshot, StateUpdate } from '../statedb/state.ts';
import type { Version } from '../version.ts';
import type { Transaction } from './transaction.ts';

/** Whether this peer may have the plain values of a collection, by the definition in `snapshot`: others are as good as not at hand. */
export type MayHold = (
  collection: { readonly namespace: string; readonly collection: string },
  snapshot: StateSnapshot,
) => MaybePromise<boolean>;

export interface CommitParts {
  readonly block: common.Block;
  /** One `TxValidationCode` per transaction; only VALID ones change anything. Not changed. */
  readonly flags: Uint8Array;
  /** State up to the block before this one. It stays the caller's: it is not disposed. */
  readonly snapshot: StateSnapshot;
  /** What was read of the transactions already, by index; the rest is read from the block. */
  readonly transactions?: readonly (Transaction | undefined)[] | undefined;
  /**
   * Private write sets at hand, by the index of their transaction: any number of encoded `rwset.TxPvtReadWriteSet`; those that match
   * their hash are used. They were fetched before: nothing here waits for them.
   */
  readonly privateData?: ReadonlyMap<number, readonly Uint8Array[]> | undefined;
  /** Private data of transactions that are not VALID here is kept, too, or missed. */
  readonly keepsInvalid?: boolean | undefined;
  /** What is at hand may lack keys, which were purged: then it is taken key by key, as far as the hashes fit. */
  readonly partial?: boolean | undefined;
  /** The key behind a hash, to find the plain value that a purge takes away; the purging transaction need not be at hand. */
  readonly plainKey?:
    | ((collection: { readonly namespace: string; readonly collection: string }, keyHash: Uint8Array) => MaybePromise<string | undefined>)
    | undefined;
  /** Everything at hand is taken by default. */
  readonly mayHold?: MayHold | undefined;
  /** Tells the transaction behind a committed version, for the reasons. */
  readonly txIdAt?: ((version: Version) => MaybePromise<string | undefined>) | undefined;
}

/** One public write of a valid endorser transaction, for the history. `value` is a view of the block's bytes. */
export interface HistoryWrite {
  readonly namespace: string;
  readonly key: string;
  readonly version: Version;
  readonly txId: string;
  readonly timestamp: google.Timestamp | undefined;
  readonly isDelete: boolean;
  readonly value: Uint8Array;
}

/** A private write set whose bytes hash to what the transaction says. */
export interface PrivateWrites {
  readonly txId: string;
  readonly index: number;
  readonly namespace: string;
  readonly collection: string;
  /** `kvrwset.KVRWSet` bytes. */
  readonly rwset: Uint8Array;
}

/** Private writes of a transaction that are not kept here. */
export interface MissingPrivateData {
  /** Whether this peer may have them, so that they can be asked for later. */
  readonly eligible: boolean;
  readonly txId: string;
  readonly index: number;
  readonly namespace: string;
  readonly collection: string;
}

export interface PreparedCommit {
  /** Final codes. */
  readonly flags: Uint8Array;
  /** One per transaction that was VALID before and no longer is. */
  readonly reasons: readonly InvalidReason[];
  /** What the block does to the state, each key once. */
  readonly updates: readonly StateUpdate[];
  /** In block order, each (transaction, namespace, key) once. */
  readonly historyWrites: readonly HistoryWrite[];
  readonly privateWrites: readonly PrivateWrites[];
  readonly missingPrivateData: readonly MissingPrivateData[];
  /** In block order. The plain value leaves the state with the block; who keeps private data sees to the rest. */
  readonly privatePurges: readonly PrivatePurge[];
  /** Canonical bytes of the public and hashed updates, the input of the commit hash. */
  readonly updateBytes: Uint8Array;
}
