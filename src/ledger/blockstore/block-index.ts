/**
 * Finds blocks and transactions in the files: by number, by hash, by transaction id. Everything in it can be made again
 * from the files.
 */
import { concatBytes, detach, hex, utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { KvStore, KvWrite } from '../kv/kv-store.ts';
import type { Location } from './segment-reader.ts';

/** Where one transaction is, and what became of it. */
export interface TransactionEntry {
  readonly blockNumber: bigint;
  readonly index: number;
  readonly validationCode: number;
  /** Of its envelope. */
  readonly location: Location;
}

/** How far the index goes. */
export interface Checkpoint {
  readonly height: bigint;
  readonly hash: Uint8Array;
  readonly previousHash: Uint8Array;
  /** The place after the last record. */
  readonly file: number;
  readonly offset: number;
}

/** Which of several transactions with one id is found: Fabric 2.x keeps the first, 1.1 the last. */
export type DuplicateTxId = 'first' | 'last';

export interface IndexedBlock {
  readonly checkpoint: Checkpoint;
  readonly location: Location;
  /** One per transaction; undefined where it has no id. */
  readonly txIds: readonly (string | undefined)[];
  readonly transactions: readonly TransactionEntry[];
}

const KEYS = { number: utf8('bn'), hash: utf8('bh'), transaction: utf8('bt'), checkpoint: utf8('bc') } as const;

export class BlockIndex {
  readonly #kv: KvStore;
  readonly #duplicates: DuplicateTxId;

  constructor({ kv, duplicates }: { readonly kv: KvStore; readonly duplicates: DuplicateTxId }) {
    this.#kv = kv;
    this.#duplicates = duplicates;
  }

  /** What has to be written for the index to know this block. */
  async writesFor(block: IndexedBlock): Promise<KvWrite[]> {
    const number = block.checkpoint.height - 1n;
    const fixed = [
      { key: concatBytes(KEYS.number, uint64(number)), value: locationBytes(block.location) },
      { key: concatBytes(KEYS.hash, block.checkpoint.hash), value: uint64(number) },
      { key: KEYS.checkpoint, value: checkpointBytes(block.checkpoint) },
    ];
    return [...fixed, ...(await this.#transactionWrites(block))];
  }

  async #transactionWrites({ txIds, transactions }: IndexedBlock): Promise<KvWrite[]> {
    const entries = new Map<string, TransactionEntry>();
    for (const [at, entry] of transactions.entries()) {
      const txId = txIds[at];
      if (txId !== undefined && !(this.#duplicates === 'first' && entries.has(txId))) entries.set(txId, entry);
    }
    const known = this.#duplicates === 'first' ? await this.#known([...entries.keys()]) : new Set<string>();
    return [...entries].flatMap(([txId, entry]) => (known.has(txId) ? [] : [{ key: transactionKey(txId), value: entryBytes(entry) }]));
  }

  async #known(txIds: readonly string[]): Promise<ReadonlySet<string>> {
    using snapshot = this.#kv.snapshot();
    const values = await snapshot.getMany(txIds.map(transactionKey));
    return new Set(txIds.filter((_, at) => values[at] !== undefined));
  }

  /** How far the index goes now. */
  tip(): Checkpoint | undefined {
    return this.#read(KEYS.checkpoint, checkpointOf);
  }

  async checkpoint(): Promise<Checkpoint | undefined> {
    return this.tip();
  }

  async byNumber(number: bigint): Promise<Location | undefined> {
    return this.#read(concatBytes(KEYS.number, uint64(number)), locationOf);
  }

  async numberByHash(hash: Uint8Array): Promise<bigint | undefined> {
    return this.#read(concatBytes(KEYS.hash, hash), (bytes) => view(bytes).getBigUint64(0));
  }

  transaction(txId: string): TransactionEntry | undefined {
    return this.#read(transactionKey(txId), entryOf);
  }

  #read<T>(key: Uint8Array, decode: (bytes: Uint8Array) => T): T | undefined {
    using snapshot = this.#kv.snapshot();
    const bytes = snapshot.get(key);
    return bytes && decode(bytes);
  }
}

const transactionKey = (txId: string): Uint8Array => concatBytes(KEYS.transaction, utf8(txId));

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function uint64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  view(bytes).setBigUint64(0, value);
  return bytes;
}

/** 20 bytes: file, offset in six bytes, length in six, checksum. */
export function locationBytes({ file, offset, length, crc }: Location): Uint8Array {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(file, 0);
  bytes.writeUIntBE(offset, 4, 6);
  bytes.writeUIntBE(length, 10, 6);
  bytes.writeUInt32BE(crc, 16);
  return bytes;
}

export function locationOf(bytes: Uint8Array): Location {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [file, crc] = [buffer.readUInt32BE(0), buffer.readUInt32BE(16)];
  return { file, offset: buffer.readUIntBE(4, 6), length: buffer.readUIntBE(10, 6), crc };
}

function entryBytes({ blockNumber, index, validationCode, location }: TransactionEntry): Uint8Array {
  const head = new Uint8Array(13);
  view(head).setBigUint64(0, blockNumber);
  view(head).setUint32(8, index);
  view(head).setUint8(12, validationCode);
  return concatBytes(head, locationBytes(location));
}

function entryOf(bytes: Uint8Array): TransactionEntry {
  const head = view(bytes);
  return {
    blockNumber: head.getBigUint64(0),
    index: head.getUint32(8),
    validationCode: head.getUint8(12),
    location: locationOf(bytes.subarray(13)),
  };
}

function checkpointBytes({ height, hash, previousHash, file, offset }: Checkpoint): Uint8Array {
  return concatBytes(uint64(height), locationBytes({ file, offset, length: hash.length, crc: 0 }), hash, previousHash);
}

function checkpointOf(bytes: Uint8Array): Checkpoint {
  const { file, offset, length } = locationOf(bytes.subarray(8));
  const hashes = bytes.subarray(28);
  return {
    height: view(bytes).getBigUint64(0),
    file,
    offset,
    hash: detach(hashes.subarray(0, length)),
    previousHash: detach(hashes.subarray(length)),
  };
}

/** @throws {SelvageError} `LEDGER_CORRUPT` when the index knows more than the files hold: then they are not of one ledger. */
export function checkNotAhead(checkpoint: Checkpoint, end: { readonly file: number; readonly offset: number }): void {
  if (checkpoint.file < end.file || (checkpoint.file === end.file && checkpoint.offset <= end.offset)) return;
  const details = { height: Number(checkpoint.height), hash: hex(checkpoint.hash) };
  throw new SelvageError('LEDGER_CORRUPT', 'the index is ahead of the block files', { details });
}
