import { SelvageError } from '../../common/errors.ts';
import type { common } from '../../protos/messages.ts';
import type { BlockReader, ChainInfo, CommittedTransaction } from '../ledger.ts';
import type { BlockIndex, Checkpoint, TransactionEntry } from './block-index.ts';
import { decodeRecord } from './block-record.ts';
import type { Location, SegmentReader } from './segment-reader.ts';
import { transactionId } from './transaction-ids.ts';

const NOTHING = new Uint8Array(0);
/** Where a chain without blocks stands. */
export const EMPTY: Checkpoint = { height: 0n, hash: NOTHING, previousHash: NOTHING, file: 0, offset: 0 };

export interface BlockViewParts {
  readonly index: BlockIndex;
  readonly files: Pick<SegmentReader, 'read'>;
  /** Where the chain stands now. */
  readonly tip: () => Checkpoint;
}

/** Blocks and transactions of one channel, found by its index and read from its files. */
export class BlockView implements BlockReader {
  readonly #parts: BlockViewParts;

  constructor(parts: BlockViewParts) {
    this.#parts = parts;
  }

  info(): ChainInfo {
    const { height, hash, previousHash } = this.#parts.tip();
    return { height, currentBlockHash: hash, previousBlockHash: previousHash };
  }

  async block(number: bigint): Promise<common.Block | undefined> {
    const { index, files, tip } = this.#parts;
    if (number < 0n || number >= tip().height) return undefined;
    const location = await index.byNumber(number);
    if (location === undefined) throw new SelvageError('LEDGER_CORRUPT', `block ${number} is not in the index`);
    const { block } = decodeRecord(await files.read(location));
    if (block.header?.number === number) return block;
    throw new SelvageError('LEDGER_CORRUPT', `where the index has block ${number} there is block ${block.header?.number}`);
  }

  async blockByHash(hash: Uint8Array): Promise<common.Block | undefined> {
    const number = await this.#parts.index.numberByHash(hash);
    return number === undefined ? undefined : this.block(number);
  }

  async blockByTxId(txId: string): Promise<common.Block | undefined> {
    const entry = this.entry(txId);
    return entry && this.block(entry.blockNumber);
  }

  async transaction(txId: string): Promise<CommittedTransaction | undefined> {
    const entry = this.entry(txId);
    if (entry === undefined) return undefined;
    const { validationCode, blockNumber, index, location } = entry;
    return { envelope: await this.envelope(location), validationCode, blockNumber, index };
  }

  hasTransaction(txId: string): boolean {
    return this.entry(txId) !== undefined;
  }

  /** Where a transaction is. The index is written a moment before its block is shown, so it is asked about the tip too. */
  entry(txId: string): TransactionEntry | undefined {
    const entry = this.#parts.index.transaction(txId);
    return entry !== undefined && entry.blockNumber < this.#parts.tip().height ? entry : undefined;
  }

  /** `common.Envelope` bytes at a place the index, or the history, knows. */
  envelope(location: Location): Promise<Uint8Array> {
    return this.#parts.files.read(location);
  }

  /** The ids of a block's transactions, in order; undefined where one has none. */
  async transactionIds(number: bigint): Promise<readonly (string | undefined)[]> {
    const block = await this.block(number);
    return (block?.data?.data ?? []).map(transactionId);
  }
}
