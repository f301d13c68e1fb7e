import { messageOf, SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { LruCache } from '../../common/lru.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import { timed } from '../../common/metrics.ts';
import type { Scope } from '../../common/scope.ts';
import { Serial } from '../../common/serial.ts';
import type { common, queryresult } from '../../protos/messages.ts';
import { commitHashOf, committedBlock } from '../block-metadata.ts';
import type { BlockStore, PendingBlock } from '../blockstore/block-store.ts';
import type { Compatibility } from '../compatibility.ts';
import type { HistoryIndex } from '../history/history-index.ts';
import type { KvStore } from '../kv/kv-store.ts';
import type {
  BlockReader,
  CommitOutcome,
  InvalidReason,
  Ledger,
  LedgerView,
  OldPrivateData,
  OldPrivateDataOutcome,
  OpenedCollection,
  PrivateDataReader,
  TransientStore,
  ValidatedBlock,
} from '../ledger.ts';
import type { LedgerMetrics } from '../ledger-metrics.ts';
import type { Expiry, ExpirySchedule } from '../pvtdata/expiry.ts';
import type { WriteSetName } from '../pvtdata/private-data-keys.ts';
import type { PrivateDataStore } from '../pvtdata/private-data-store.ts';
import type { SimulatorOptions } from '../simulator/simulator-parts.ts';
import type { ResultsIterator, TxSimulator } from '../simulator/tx-simulator.ts';
import type { StateIndexes, StateSnapshot, StateStore } from '../statedb/state.ts';
import type { Version } from '../version.ts';
import { StoredView } from '../view/stored-view.ts';
import { blockEffects } from './effects.ts';
import { checkOld, oldUpdates, purgedWhole, sameSet, setsOf } from './old-private-data.ts';
import { prepareCommit } from './prepare-commit.ts';
import type { CommitParts, MayHold, PreparedCommit } from './prepared.ts';

/** How many reasons of invalid transactions, and transaction ids of how many blocks, stay in memory. */
const REASONS = { entries: 10_000, weight: 16 * 1024 * 1024, weigh: reasonWeight } as const;
const BLOCKS_WITH_IDS = 16;

export interface KvLedgerParts {
  readonly channelId: string;
  /** History, indexes and schedules; the state as well unless it lies elsewhere. */
  readonly kv: KvStore;
  readonly blocks: BlockStore;
  readonly state: StateStore;
  readonly history: HistoryIndex;
  readonly transient: TransientStore;
  readonly privateData: PrivateDataStore;
  readonly expiry: ExpirySchedule;
  readonly compatibility: Compatibility;
  readonly simulator: SimulatorOptions;
  readonly mayHold: MayHold | undefined;
  /** Blocks after which private data of a transaction that never came is dropped. */
  readonly transientRetention: bigint;
  readonly log: Logger;
  readonly metrics: LedgerMetrics;
  /** Told which namespaces of the state a block changed, before anybody hears of the block. */
  readonly changed: (namespaces: ReadonlySet<string>) => void;
  /** What was opened for this ledger, released when it is disposed. */
  readonly owned: Scope;
}

interface Prepared {
  readonly prepared: PreparedCommit;
  readonly expiry: Expiry;
}

/** Details name keys, which may be long. */
function reasonWeight({ message, details }: InvalidReason): number {
  return Object.values(details).reduce<number>((sum, value) => sum + 2 * String(value).length, 500 + 2 * message.length);
}

/** The ledger of one channel over block files and one key-value store. */
export class KvLedger implements Ledger {
  readonly #parts: KvLedgerParts;
  readonly #view: LedgerView;
  readonly #commits = new Serial();
  readonly #reasons = new LruCache<string, InvalidReason>(REASONS);
  readonly #txIds = new LruCache<bigint, readonly (string | undefined)[]>(BLOCKS_WITH_IDS);
  #commitHash: Uint8Array | undefined;
  /** Set when only opening again helps. */
  #stuck: SelvageError | undefined;
  #closed: Promise<void> | undefined;

  private constructor(parts: KvLedgerParts, commitHash: Uint8Array | undefined) {
    this.#parts = parts;
    this.#view = new StoredView(parts);
    this.#commitHash = commitHash;
    parts.metrics.height.set(Number(parts.blocks.info().height));
  }

  /** @param parts a block store whose effects are all in the key-value store; owned from here on */
  static async open(parts: KvLedgerParts): Promise<KvLedger> {
    try {
      const last = await parts.blocks.block(parts.blocks.info().height - 1n);
      return new KvLedger(parts, last && commitHashOf(last));
    } catch (error) {
      await parts.owned[Symbol.asyncDispose]();
      throw error;
    }
  }

  get channelId(): string {
    return this.#parts.channelId;
  }

  /** True from the moment it is disposed, while what runs still ends. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  get blocks(): BlockReader {
    return this.#parts.blocks;
  }

  get indexes(): StateIndexes | undefined {
    return this.#parts.state.indexes;
  }

  get transient(): TransientStore {
    return this.#parts.transient;
  }

  commit(validated: ValidatedBlock): Promise<CommitOutcome> {
    return this.#commits.run(() => this.#commit(validated));
  }

  async #commit(validated: ValidatedBlock): Promise<CommitOutcome> {
    const { block, reasons } = validated;
    this.#checkOpen();
    if (this.#stuck !== undefined) throw this.#stuck;
    this.#parts.blocks.checkNext(block);
    const { prepared, expiry } = await timed(this.#parts.metrics.processing, () => this.#prepare(validated));
    const committed = committedBlock(block, { prepared, previous: this.#commitHash }, this.#parts.compatibility);
    await this.#makeDurable(committed, { prepared, expiry }); // from here on it is committed, and nothing may say otherwise
    this.#commitHash = commitHashOf(committed);
    const outcome = {
      blockNumber: numberOf(committed),
      block: committed,
      flags: prepared.flags,
      reasons: [...reasons, ...prepared.reasons],
    };
    await this.#remember(outcome);
    this.#parts.metrics.height.set(Number(outcome.blockNumber) + 1);
    this.#parts.log.debug('block committed', {
      blockNumber: outcome.blockNumber.toString(),
      transactions: outcome.flags.length,
      invalid: outcome.reasons.length,
    });
    await timed(this.#parts.metrics.purge, () => this.#purge(outcome.blockNumber, expiry));
    return outcome;
  }

  /** Not for the copy of a transaction: its id means the first one, which may be valid. Where that cannot be read there is no reason to tell. */
  async #remember({ reasons, blockNumber }: CommitOutcome): Promise<void> {
    try {
      for (const reason of reasons) {
        const entry = await this.#parts.blocks.entry(reason.txId);
        if (entry === undefined || (entry.blockNumber === blockNumber && entry.index === reason.index))
          this.#reasons.set(reason.txId, reason);
      }
    } catch (error) {
      this.#parts.log.warn('reasons of invalid transactions are not kept', { blockNumber: blockNumber.toString(), error });
    }
  }

  async #prepare({ block, flags, transactions, privateData, keepsInvalid }: ValidatedBlock): Promise<Prepared> {
    using snapshot = this.#parts.state.snapshot();
    const { mayHold } = this.#parts;
    const txIdAt = (version: Version) => this.#txIdAt(version);
    const plainKey: CommitParts['plainKey'] = (collection, hash) => this.#parts.privateData.plainKey(collection, hash);
    const prepared = await prepareCommit({ block, flags, transactions, privateData, keepsInvalid, snapshot, mayHold, txIdAt, plainKey });
    const purged = await this.#parts.privateData.purgedBy(prepared.privatePurges);
    const sets = setsOf(prepared, numberOf(block));
    const expiry = await this.#parts.expiry.forBlock({ blockNum: numberOf(block), updates: prepared.updates, snapshot, purged, sets });
    return { prepared, expiry };
  }

  /** The block file is the log: from its sync on, the block is committed. What fails after that takes the block back. */
  async #makeDurable(block: common.Block, { prepared, expiry }: Prepared): Promise<void> {
    const { metrics } = this.#parts;
    const stored = await timed(metrics.storing, () => this.#store(block, prepared));
    await timed(metrics.state, () => this.#apply(stored, { prepared, expiry }));
    this.#txIds.set(numberOf(block), stored.txIds);
    try {
      this.#parts.changed(new Set(prepared.updates.map(({ namespace }) => namespace)));
    } catch (cause) {
      throw this.#halfway(`a follower of the state of ${this.channelId} failed at block ${numberOf(block)}`, cause);
    }
    stored.publish();
  }

  async #store(block: common.Block, { privateWrites: writes, missingPrivateData: missing, privatePurges: purges }: PreparedCommit) {
    const { blocks, privateData, metrics } = this.#parts;
    await privateData.put(numberOf(block), { writes, missing, purges });
    return await timed(metrics.blockFile, () => blocks.write(block));
  }

  /** A state that has taken the block in, while what belongs beside it could not be written, keeps it: opening again brings both together. */
  async #apply(stored: PendingBlock, { prepared, expiry }: Prepared): Promise<void> {
    const { state, kv, compatibility } = this.#parts;
    const { updates, savepoint, writes } = await blockEffects({ stored, prepared, expiry, compatibility });
    try {
      await state.commit(updates, savepoint, { kv, writes });
    } catch (cause) {
      using now = state.snapshot();
      if (now.savepoint?.blockNum !== savepoint.blockNum) {
        await stored.undo();
        throw cause;
      }
      throw this.#halfway(`the state of ${this.channelId} is ahead of its index`, cause);
    }
  }

  /** The block is durable and cannot be carried through here: no other is taken until the ledger was opened again, which does so. */
  #halfway(text: string, cause: unknown): SelvageError {
    const advice = 'Start the peer again once the disk is well.';
    this.#stuck = new SelvageError('CHANNEL_HALTED', `${text}: ${messageOf(cause)}`, { cause, advice });
    return this.#stuck;
  }

  /** The block is committed whether this works or not; what stays is removed with age. */
  async #purge(blockNumber: bigint, { expired }: Expiry): Promise<void> {
    const { transient, privateData, transientRetention: retention, log } = this.#parts;
    const txIds = this.#txIds.get(blockNumber)?.filter((txId) => txId !== undefined) ?? [];
    const old = retention > 0n && blockNumber > retention && blockNumber % retention === 0n ? blockNumber - retention : 0n;
    try {
      await transient.purge(txIds, old);
      await privateData.remove(expired);
      await privateData.purge(blockNumber + 1n);
    } catch (error) {
      log.warn('private data could not be purged', { blockNumber: blockNumber.toString(), error });
    }
  }

  commitOld(found: readonly OldPrivateData[]): Promise<OldPrivateDataOutcome> {
    return this.#commits.run(() => this.#commitOld(found));
  }

  /** First the state, on the disk, and then the store that says what is missing: what a crash comes between is had and written again. */
  async #commitOld(found: readonly OldPrivateData[]): Promise<OldPrivateDataOutcome> {
    this.#checkOpen();
    if (this.#stuck !== undefined) throw this.#stuck;
    const { blocks, state, kv, privateData, expiry } = this.#parts;
    const wanted = found.filter((set) => privateData.isMissing(set));
    const { taken, refused } = await checkOld(wanted, { blocks, privateData });
    using snapshot = state.snapshot();
    const updates = await oldUpdates(taken, snapshot);
    if (updates.length > 0 && snapshot.savepoint !== undefined) {
      await state.commit(updates, snapshot.savepoint, { kv, writes: await expiry.forOld(updates, snapshot) });
      await kv.flushed();
      this.#parts.changed(new Set(updates.map(({ namespace }) => namespace)));
    }
    await privateData.putOld(taken);
    return { committed: taken, refused };
  }

  setAside(sets: readonly WriteSetName[]): Promise<void> {
    return this.#commits.run(async () => {
      this.#checkOpen();
      const { blocks, privateData } = this.#parts;
      const gone = await purgedWhole(sets, { blocks, privateData });
      await privateData.putOld(gone.filter((set) => privateData.isMissing(set)));
      await privateData.deprioritize(sets.filter((set) => !gone.some((each) => sameSet(each, set))));
    });
  }

  reviewEligibility(): Promise<readonly OpenedCollection[]> {
    return this.#commits.run(async () => {
      this.#checkOpen();
      const { mayHold, privateData, state } = this.#parts;
      using snapshot = state.snapshot();
      const opened: OpenedCollection[] = [];
      for (const name of await privateData.closedCollections()) {
        if ((await mayHold?.(name, snapshot)) === false) continue;
        opened.push({ ...name, sets: await privateData.openCollection(name) });
      }
      return opened;
    });
  }

  async #txIdAt({ blockNum, txNum }: Version): Promise<string | undefined> {
    const known = this.#txIds.get(blockNum) ?? (await this.#parts.blocks.transactionIds(blockNum));
    this.#txIds.set(blockNum, known);
    return known[Number(txNum)];
  }

  reasonFor(txId: string): InvalidReason | undefined {
    return this.#reasons.get(txId);
  }

  snapshot(): StateSnapshot {
    this.#checkOpen();
    return this.#view.snapshot();
  }

  simulate(txId: string): MaybePromise<TxSimulator> {
    this.#checkOpen();
    return this.#view.simulate(txId);
  }

  history(namespace: string, key: string, below?: bigint): ResultsIterator<queryresult.KeyModification> {
    this.#checkOpen();
    return this.#view.history(namespace, key, below);
  }

  get privateData(): PrivateDataReader {
    return this.#parts.privateData;
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new SelvageError('LEDGER_UNAVAILABLE', `the ledger of ${this.channelId} is closed`);
  }

  /** Waits for the commit that runs. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#commits.idle();
    await this.#parts.owned[Symbol.asyncDispose]();
  }
}

function numberOf({ header }: common.Block): bigint {
  if (header === undefined) throw new SelvageError('BLOCK_INVALID', 'the block has no header');
  return header.number;
}
