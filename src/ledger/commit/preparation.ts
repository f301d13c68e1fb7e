import { hex } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { protos } from '../../protos/messages.ts';
import type { InvalidReason } from '../ledger.ts';
import type { PrivatePurge } from '../pvtdata/private-data-keys.ts';
import { keyHash } from '../simulator/private-namespaces.ts';
import type { Version } from '../version.ts';
import { applyWrites } from './apply-writes.ts';
import { updateBytes } from './commit-hash.ts';
import type { Conflict } from './conflict.ts';
import { historyOf } from './history-writes.ts';
import type { findConflict } from './mvcc.ts';
import { Pace } from './pace.ts';
import { PendingState, privateSpace } from './pending-state.ts';
import type { CommitParts, HistoryWrite, MissingPrivateData, PreparedCommit, PrivateWrites } from './prepared.ts';
import { applyPrivateWrites, matchPrivateWrites, purgesOf, raiseVersions, type TouchedKey } from './private-writes.ts';
import { type ReadTransaction, readTransaction, type Transaction } from './transaction.ts';

const hashId = ({ namespace, collection }: { readonly namespace: string; readonly collection: string }, hash: Uint8Array): string =>
  `${namespace}\0${collection}\0${hex(hash)}`;

/** A name for a conflict is read from the block that made it; a block full of conflicts must not cost the reading of as many others. */
const MOST_BLOCKS_ASKED = 8;

/** One block on its way from flags to updates. Runs once. */
export class Preparation {
  readonly #parts: CommitParts;
  readonly #findConflict: typeof findConflict;
  readonly #blockNum: bigint;
  readonly #data: readonly Uint8Array[];
  readonly #flags: Uint8Array;
  readonly #state: PendingState;
  readonly #pace = new Pace();
  readonly #reasons: InvalidReason[] = [];
  readonly #historyWrites: HistoryWrite[] = [];
  readonly #privateWrites: PrivateWrites[] = [];
  readonly #missing: MissingPrivateData[] = [];
  readonly #purges: PrivatePurge[] = [];
  readonly #touched: TouchedKey[] = [];
  /** Keys of private values that the block writes, by collection and hash. */
  readonly #plainKeys = new Map<string, string>();
  readonly #blocksAsked = new Set<bigint>();

  constructor(parts: CommitParts, check: typeof findConflict) {
    const { header, data } = parts.block;
    if (header === undefined || data === undefined) throw new SelvageError('BLOCK_INVALID', 'the block has no header or no data');
    if (parts.flags.length !== data.data.length) throw new SelvageError('BLOCK_INVALID', 'the block needs one flag per transaction');
    this.#parts = parts;
    this.#findConflict = check;
    this.#blockNum = header.number;
    this.#data = data.data;
    this.#flags = new Uint8Array(parts.flags);
    this.#state = new PendingState(parts.snapshot);
  }

  async run(): Promise<PreparedCommit> {
    for (const [index, bytes] of this.#data.entries()) {
      if (this.#flags[index] !== protos.TxValidationCode.VALID) {
        if (this.#parts.keepsInvalid) await this.#keepInvalid(this.#read(bytes, index).transaction, index);
        continue;
      }
      const read = this.#read(bytes, index);
      if (read.transaction === undefined) this.#refuse(index, read.txId, read.refused);
      else await this.#takeIn(read.transaction, index);
      const pause = this.#pace.spend(20 + bytes.length / 100);
      if (pause !== undefined) await pause;
    }
    await raiseVersions(this.#touched, this.#state);
    return {
      flags: this.#flags,
      reasons: this.#reasons,
      updates: this.#state.stateUpdates(),
      historyWrites: this.#historyWrites,
      privateWrites: this.#privateWrites,
      missingPrivateData: this.#missing,
      privatePurges: this.#purges,
      updateBytes: await updateBytes(this.#state, this.#pace),
    };
  }

  #read(bytes: Uint8Array, index: number): ReadTransaction {
    const transaction = this.#parts.transactions?.[index];
    return transaction === undefined ? readTransaction(bytes) : { transaction, txId: transaction.txId };
  }

  async #takeIn(transaction: Transaction, index: number): Promise<void> {
    const conflict = await this.#findConflict(transaction, { state: this.#state, pace: this.#pace });
    if (conflict !== undefined) {
      this.#refuse(index, transaction.txId, await this.#withWriter(conflict));
      await this.#keepInvalid(transaction, index);
      return;
    }
    const version = { blockNum: this.#blockNum, txNum: BigInt(index) };
    await applyWrites(transaction, { state: this.#state, pace: this.#pace, version });
    if (transaction.endorsed) for (const write of historyOf(transaction, version)) this.#historyWrites.push(write);
    await this.#takeInPrivate(transaction, index, version);
  }

  async #takeInPrivate(transaction: Transaction, index: number, version: Version): Promise<void> {
    const { txId } = transaction;
    for (const purge of purgesOf(transaction, version)) await this.#forget(purge, txId);
    for (const writes of await this.#keep(transaction, index)) {
      const applied = applyPrivateWrites(writes, { state: this.#state, version, txId });
      for (const key of applied.written) this.#plainKeys.set(hashId(writes, keyHash(key)), key);
      for (const key of applied.touched) this.#touched.push(key);
    }
  }

  /** An invalid transaction changes no state, but others may yet want to see what it would have written. */
  async #keepInvalid(transaction: Transaction | undefined, index: number): Promise<void> {
    if (transaction?.endorsed === true) await this.#keep(transaction, index);
  }

  /** Writes down which private sets of a transaction are here and which are missing. @returns those that are here */
  async #keep(transaction: Transaction, index: number): Promise<readonly PrivateWrites[]> {
    const { txId } = transaction;
    const atHand = this.#parts.privateData?.get(index) ?? [];
    const kept: PrivateWrites[] = [];
    for (const { namespace, collection, rwset } of matchPrivateWrites(transaction, atHand, { partial: this.#parts.partial })) {
      const eligible = (await this.#parts.mayHold?.({ namespace, collection }, this.#parts.snapshot)) !== false;
      if (rwset !== undefined && eligible) kept.push({ txId, index, namespace, collection, rwset });
      else this.#missing.push({ txId, index, namespace, collection, eligible });
    }
    for (const writes of kept) this.#privateWrites.push(writes);
    return kept;
  }

  /** Takes a purged value out of the state, whether it was committed before or by an earlier transaction of the block. */
  async #forget(purge: PrivatePurge, txId: string): Promise<void> {
    this.#purges.push(purge);
    const { namespace, collection, keyHash: hash, version } = purge;
    const key = this.#plainKeys.get(hashId(purge, hash)) ?? (await this.#parts.plainKey?.(purge, hash));
    if (key !== undefined) this.#state.writable(privateSpace(namespace, collection)).set(key, { value: undefined, version, txId });
  }

  #refuse(index: number, txId: string, { code, message, details }: Conflict): void {
    this.#flags[index] = code;
    this.#reasons.push({ txId, index, code, message, details });
  }

  /** Names the transaction behind a committed version, where somebody can tell. */
  async #withWriter(conflict: Conflict): Promise<Conflict> {
    if (conflict.found === undefined || conflict.found.blockNum === this.#blockNum) return conflict;
    this.#blocksAsked.add(conflict.found.blockNum);
    if (this.#blocksAsked.size > MOST_BLOCKS_ASKED) return conflict;
    const writtenBy = await this.#parts.txIdAt?.(conflict.found);
    return writtenBy === undefined ? conflict : { ...conflict, details: { ...conflict.details, writtenBy } };
  }
}
