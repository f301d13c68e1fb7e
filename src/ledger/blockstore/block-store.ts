import { crc32 } from 'node:zlib';
import { equalBytes } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { type Logger, silent } from '../../common/log.ts';
import { blockDataHash, blockHash } from '../../protos/hashes.ts';
import { common, protos } from '../../protos/messages.ts';
import type { KvStore, KvWrite } from '../kv/kv-store.ts';
import { BlockIndex, type Checkpoint, checkNotAhead, type DuplicateTxId, type IndexedBlock, type TransactionEntry } from './block-index.ts';
import { encodeRecord, type Span } from './block-record.ts';
import { BlockView, EMPTY } from './block-view.ts';
import { BlockWaiters } from './block-waiters.ts';
import { checkTail } from './recovery.ts';
import { SegmentFiles, type SegmentOptions } from './segment-files.ts';
import type { Location } from './segment-reader.ts';
import { transactionId } from './transaction-ids.ts';

/** A block in the files, with what the index has to learn about it. */
export interface StoredBlock {
  readonly block: common.Block;
  readonly txIds: readonly (string | undefined)[];
  readonly transactions: readonly TransactionEntry[];
  /** To be written in one commit with whatever else follows from the block. */
  readonly indexWrites: readonly KvWrite[];
}

/** A block that is durable in the files and not yet visible. One of the two ends it. */
export interface PendingBlock extends StoredBlock {
  /** Shows it to readers and wakes those who wait for it. */
  publish(): void;
  /** Takes it out of the files again. */
  undo(): Promise<void>;
}

export interface BlockStoreOptions extends SegmentOptions {
  /** Holds the index. */
  readonly kv: KvStore;
  /** Default `first`. */
  readonly duplicates?: DuplicateTxId | undefined;
  readonly log?: Logger | undefined;
  /** Commits what follows from a block that is in the files and not in the index; the index writes alone by default. */
  readonly catchUp?: ((stored: StoredBlock) => Promise<void>) | undefined;
  /** False leaves a record that was cut off at the end where it is, for those who only look. */
  readonly repair?: boolean | undefined;
}

const NOTHING = new Uint8Array(0);

interface Tip {
  at: Checkpoint;
}

interface BlockStoreParts {
  readonly files: SegmentFiles;
  readonly index: BlockIndex;
  readonly kv: KvStore;
  readonly tip: Tip;
}

/** The blocks of one channel: files that only grow, and an index that follows them. */
export class BlockStore extends BlockView implements AsyncDisposable {
  readonly #files: SegmentFiles;
  readonly #index: BlockIndex;
  readonly #kv: KvStore;
  readonly #waiters: BlockWaiters;
  readonly #tip: Tip;

  private constructor(parts: BlockStoreParts) {
    super({ index: parts.index, files: parts.files, tip: () => parts.tip.at });
    this.#files = parts.files;
    this.#index = parts.index;
    this.#kv = parts.kv;
    this.#tip = parts.tip;
    this.#waiters = new BlockWaiters(parts.tip.at.height);
  }

  /**
   * Opens the store of a folder, or begins it: a record that was cut off at the end is taken away, and blocks the index does
   * not know are caught up, one by one in order.
   * @throws {SelvageError} `LEDGER_CORRUPT`
   */
  static async open(options: BlockStoreOptions): Promise<BlockStore> {
    const { kv, duplicates = 'first' } = options;
    const files = await SegmentFiles.open(options);
    try {
      const index = new BlockIndex({ kv, duplicates });
      const tip = await caughtUp({ ...options, files, index });
      return new BlockStore({ files, index, kv, tip: { at: tip } });
    } catch (error) {
      await files[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Writes the next block and waits until it is on the disk. It is not visible yet: the caller ends it.
   * @throws {SelvageError} `BLOCK_INVALID` for a wrong number, previous hash or data hash; `DISK_FULL`, `LEDGER_UNAVAILABLE`
   */
  async write(block: common.Block): Promise<PendingBlock> {
    this.checkNext(block);
    checkWhole(block);
    const record = encodeRecord(block);
    const location = await this.#files.append(record.bytes);
    try {
      const indexed = indexedBlock(block, record.transactions, location);
      return {
        ...(await stored(block, indexed, this.#index)),
        publish: () => this.#publish(indexed.checkpoint),
        undo: () => this.#files.truncate(this.#tip.at),
      };
    } catch (error) {
      await this.#files.truncate(this.#tip.at);
      throw error;
    }
  }

  /** Writes, indexes and shows the next block. On failure nothing of it stays. */
  async append(block: common.Block): Promise<void> {
    const pending = await this.write(block);
    try {
      await this.#kv.commit(pending.indexWrites);
    } catch (error) {
      await pending.undo();
      throw error;
    }
    pending.publish();
  }

  /** @throws {SelvageError} `BLOCK_INVALID` unless the block continues the chain */
  checkNext({ header }: common.Block): void {
    if (header?.number !== this.#tip.at.height)
      throw new SelvageError('BLOCK_INVALID', `block number should have been ${this.#tip.at.height} but was ${header?.number}`);
    if (this.#tip.at.height > 0n && !equalBytes(header.previousHash, this.#tip.at.hash))
      throw new SelvageError('BLOCK_INVALID', `block ${header.number} does not name the hash of the block before it`);
  }

  #publish(tip: Checkpoint): void {
    this.#tip.at = tip;
    this.#waiters.reached(tip.height);
  }

  /** Resolves when block `number` can be read. Rejects with the signal's reason. */
  waitFor(number: bigint, signal: AbortSignal): Promise<void> {
    return this.#waiters.waitFor(number, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#waiters.close(new SelvageError('LEDGER_UNAVAILABLE', 'the ledger is closed'));
    await this.#files[Symbol.asyncDispose]();
  }
}

/** A block that is not whole would be taken for a damaged one later. */
function checkWhole({ header, data }: common.Block): void {
  if (header !== undefined && !equalBytes(header.dataHash, blockDataHash({ data: data?.data })))
    throw new SelvageError('BLOCK_INVALID', `the transactions of block ${header.number} do not hash to its data hash`);
}

type CatchUpParts = BlockStoreOptions & { readonly files: SegmentFiles; readonly index: BlockIndex };

/** Reads on from where the index ends. Returns where the chain then stands. */
async function caughtUp({ files, index, kv, catchUp, log = silent, repair = true }: CatchUpParts): Promise<Checkpoint> {
  let tip = (await index.checkpoint()) ?? EMPTY;
  checkNotAhead(tip, files.end);
  for await (const { location, bytes } of files.records(tip)) {
    const parsed = checkTail({ location, bytes, tip, end: files.end });
    if (parsed === undefined) break;
    const indexed = indexedBlock(parsed.block, parsed.transactions, location);
    const found = await stored(parsed.block, indexed, index);
    await (catchUp === undefined ? kv.commit(found.indexWrites) : catchUp(found));
    tip = indexed.checkpoint;
  }
  if (repair && (tip.file !== files.end.file || tip.offset !== files.end.offset)) {
    log.warn('the last block was cut off and is taken away', { height: tip.height.toString(), ...files.end });
    await files.truncate(tip);
  }
  return tip;
}

async function stored(block: common.Block, indexed: IndexedBlock, index: BlockIndex): Promise<StoredBlock> {
  const { txIds, transactions } = indexed;
  return { block, txIds, transactions, indexWrites: await index.writesFor(indexed) };
}

function indexedBlock(block: common.Block, spans: readonly Span[], location: Location): IndexedBlock {
  const { header, data, metadata } = block;
  if (header === undefined) throw new SelvageError('BLOCK_INVALID', 'the block has no header');
  const flags = metadata?.metadata[common.BlockMetadataIndex.TRANSACTIONS_FILTER] ?? NOTHING;
  const { file, offset, length } = location;
  return {
    checkpoint: { height: header.number + 1n, hash: blockHash(header), previousHash: header.previousHash, file, offset: offset + length },
    location,
    txIds: (data?.data ?? []).map(transactionId),
    transactions: spans.map((span, at) => ({
      blockNumber: header.number,
      index: at,
      validationCode: flags[at] ?? protos.TxValidationCode.NOT_VALIDATED,
      location: { file, offset: offset + span.offset, length: span.length, crc: crc32(data?.data[at] ?? NOTHING) },
    })),
  };
}
