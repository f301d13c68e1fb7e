import type { MaybePromise } from '../common/maybe.ts';
import type { common, protos, queryresult } from '../protos/messages.ts';
import type { Transaction } from './commit/transaction.ts';
import type { CollectionName, Missing, PrivatePurge, WriteSetName } from './pvtdata/private-data-keys.ts';
import type { ResultsIterator, TxSimulator } from './simulator/tx-simulator.ts';
import type { StateIndexes, StateSnapshot } from './statedb/state.ts';

export interface ChainInfo {
  /** Number of blocks; the next block has this number. */
  readonly height: bigint;
  readonly currentBlockHash: Uint8Array;
  readonly previousBlockHash: Uint8Array;
}

/** A transaction as it stands in a block. */
export interface CommittedTransaction {
  /** `common.Envelope` bytes as ordered. */
  readonly envelope: Uint8Array;
  readonly validationCode: number;
  readonly blockNumber: bigint;
  readonly index: number;
}

/** Blocks of one channel that are durable, validation flags included. */
export interface BlockReader {
  info(): ChainInfo;
  block(number: bigint): MaybePromise<common.Block | undefined>;
  blockByHash(hash: Uint8Array): MaybePromise<common.Block | undefined>;
  blockByTxId(txId: string): MaybePromise<common.Block | undefined>;
  transaction(txId: string): MaybePromise<CommittedTransaction | undefined>;
  hasTransaction(txId: string): MaybePromise<boolean>;
}

/** Why a transaction was invalidated, for people and tools: structured, beside the code that goes on the ledger. */
export interface InvalidReason {
  readonly txId: string;
  readonly index: number;
  readonly code: number;
  readonly message: string;
  /** For example namespace, key, versionRead, versionFound, writtenBy. */
  readonly details: Readonly<Record<string, string | number>>;
}

/** A block that passed the order-independent checks, with one TxValidationCode per transaction. */
export interface ValidatedBlock {
  readonly block: common.Block;
  /** Codes so far; MVCC turns some VALID ones into conflicts. */
  readonly flags: Uint8Array;
  readonly reasons: readonly InvalidReason[];
  /** What was read of its transactions already, by index; the rest is read here. */
  readonly transactions?: readonly (Transaction | undefined)[] | undefined;
  /** Encoded `rwset.TxPvtReadWriteSet` that are at hand, by the index of their transaction; those whose hash fits are used. */
  readonly privateData?: ReadonlyMap<number, readonly Uint8Array[]> | undefined;
  /** Private data of transactions that have another code than VALID here is kept too, or missed: what the capability V1_4_2 turns on. */
  readonly keepsInvalid?: boolean | undefined;
}

export interface CommitOutcome {
  readonly blockNumber: bigint;
  /** With its metadata. */
  readonly block: common.Block;
  /** Final codes, as written into the block's metadata. */
  readonly flags: Uint8Array;
  readonly reasons: readonly InvalidReason[];
}

/** What can be read of the ledger of one channel, in any thread. */
export interface LedgerView {
  readonly channelId: string;
  readonly blocks: BlockReader;
  /** Committed state as of now; dispose it. */
  snapshot(): StateSnapshot;
  /** Opens a simulation on a snapshot of now. */
  simulate(txId: string): MaybePromise<TxSimulator>;
  /** @param below only what blocks before this one wrote */
  history(namespace: string, key: string, below?: bigint): ResultsIterator<queryresult.KeyModification>;
}

/** The ledger of one channel where it is written. Only the committer calls {@link commit}; everything else reads. */
export interface Ledger extends LedgerView, AsyncDisposable {
  /**
   * MVCC, block file (fsync), then state and history. Resolves when the block is durable and its state is visible.
   * Blocks come in order, one at a time.
   * @throws {SelvageError} `BLOCK_INVALID` for a wrong number or previous hash; `DISK_FULL` or `LEDGER_UNAVAILABLE` when the
   *   disk refuses, and then nothing of the block stays; `CHANNEL_HALTED` when the block is durable and only opening the ledger again
   *   carries it through: then every further commit fails likewise
   */
  commit(validated: ValidatedBlock): Promise<CommitOutcome>;
  /** Reasons of recently invalidated transactions, by tx id; undefined when valid, unknown or long ago. */
  reasonFor(txId: string): InvalidReason | undefined;
  /** Private write sets of transactions that were endorsed here, or sent here, and are not yet committed. */
  readonly transient: TransientStore;
  readonly privateData: PrivateDataReader;
  /** Of rich queries; absent where there are none. */
  readonly indexes?: StateIndexes | undefined;
  /**
   * Takes in private data of blocks that were committed without it: key by key what the hashes in the block say and nobody purged since.
   * The state changes where nothing newer is known. What is not missed, or no longer, is passed over.
   * @throws {SelvageError} `DISK_FULL`, `LEDGER_UNAVAILABLE`; then it is missing as before
   */
  commitOld(found: readonly OldPrivateData[]): Promise<OldPrivateDataOutcome>;
  /** Of what others were asked for and did not have: it is asked for again, after the rest. What was purged here as a whole is no longer missed. */
  setAside(sets: readonly WriteSetName[]): Promise<void>;
  /** Looks whether this organisation may have what it might not have when the blocks came. @returns the collections that it may */
  reviewEligibility(): Promise<readonly OpenedCollection[]>;
}

/** Private data of a block that is committed already, as somebody gave it. */
export interface OldPrivateData extends WriteSetName {
  /** `kvrwset.KVRWSet` bytes; not trusted. */
  readonly rwset: Uint8Array;
}

export interface OldPrivateDataOutcome {
  readonly committed: readonly WriteSetName[];
  /** What is missing as before, and in Fabric's words why it was not taken. */
  readonly refused: readonly (WriteSetName & { readonly reason: string })[];
}

export interface OpenedCollection extends CollectionName {
  /** How many sets of it others can now be asked for. */
  readonly sets: number;
}

/** The private write sets of committed blocks, as far as this peer has them. */
export interface PrivateDataReader {
  /** Encoded `rwset.TxPvtReadWriteSet` by the index of their transaction. What expired or was purged is in none. */
  ofBlock(blockNum: bigint): Promise<ReadonlyMap<number, readonly Uint8Array[]>>;
  /** `kvrwset.KVRWSet` bytes; undefined where the set is not here. */
  writeSet(name: WriteSetName): MaybePromise<Uint8Array | undefined>;
  /** Write sets that are not here, of the newest `blocks` blocks that miss any (before the block `below`), the newest first. */
  missing(why: Missing, range: { readonly below?: bigint | undefined; readonly blocks: number }): Promise<readonly WriteSetName[]>;
  /** Whether a private write was purged since: then nobody may bring it back. */
  isPurged(write: PrivatePurge): Promise<boolean>;
}

/** What whoever made private writes knew of their collections: who may have them is judged by that until their block is committed. */
export interface CollectionConfigs {
  /** Height of the ledger where they were endorsed; 0 where nobody said. */
  readonly endorsedAt?: bigint | undefined;
  /** By namespace. */
  readonly collectionConfigs?: ReadonlyMap<string, protos.CollectionConfigPackageInit> | undefined;
}

export interface KeptPrivateData {
  /** `rwset.TxPvtReadWriteSet` bytes. */
  readonly rwset: Uint8Array;
  readonly endorsedAt: bigint;
  readonly collectionConfigs: ReadonlyMap<string, protos.CollectionConfigPackage>;
}

export interface TransientStore {
  /** @param rwset `rwset.TxPvtReadWriteSet` bytes */
  put(txId: string, height: bigint, rwset: Uint8Array, configs?: CollectionConfigs): Promise<void>;
  get(txId: string): Promise<readonly KeptPrivateData[]>;
  /** The same one by one: of one transaction others may have given very much. */
  each(txId: string): AsyncIterable<KeptPrivateData>;
  purge(txIds: readonly string[], belowHeight: bigint): Promise<void>;
}

/** Makes, opens and lists the ledgers of a peer. */
export interface LedgerProvider extends AsyncDisposable {
  list(): readonly string[];
  /** Opens an existing ledger, catching up state and history from the blocks. @throws {SelvageError} `CHANNEL_NOT_FOUND`, `LEDGER_CORRUPT` */
  open(channelId: string): Promise<Ledger>;
  /** Makes a ledger from its genesis block; on any failure nothing is left. @throws {SelvageError} `CHANNEL_EXISTS` */
  create(channelId: string, genesis: common.Block): Promise<Ledger>;
}
