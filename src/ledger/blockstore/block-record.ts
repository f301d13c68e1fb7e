/**
 * A block as it lies in Fabric's block files: `uvarint length`, then `uvarint number, bytes data_hash, bytes previous_hash,
 * uvarint #transactions, bytes each, uvarint #metadata, bytes each`, where bytes is `uvarint length` and content. The
 * order of the hashes differs from the protobuf message.
 * @see serializeBlock in hyperledger/fabric v2.5, common/ledger/blkstorage/block_serialization.go
 */
import { SelvageError } from '../../common/errors.ts';
import type { common } from '../../protos/messages.ts';
import { Cursor, uvarintLength, writeUvarint } from './uvarint.ts';

/** Where one transaction's envelope lies, counted from the first byte of the record. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

export interface BlockRecord {
  /** The whole record, its length in front. */
  readonly bytes: Uint8Array;
  readonly transactions: readonly Span[];
}

export interface ParsedBlock {
  /** Its bytes are views of the record. */
  readonly block: common.Block;
  readonly transactions: readonly Span[];
}

/** @throws {SelvageError} `BLOCK_INVALID` for a block without header */
export function encodeRecord({ header, data, metadata }: common.Block): BlockRecord {
  if (header === undefined) throw new SelvageError('BLOCK_INVALID', 'the block has no header');
  const envelopes = data?.data ?? [];
  const slots = metadata?.metadata ?? [];
  const hashes = [header.dataHash, header.previousHash];
  const body = uvarintLength(header.number) + sizeOf(hashes) + listSize(envelopes) + listSize(slots);
  const bytes = new Uint8Array(uvarintLength(body) + body);
  let at = writeUvarint(bytes, 0, body);
  at = writeUvarint(bytes, at, header.number);
  for (const hash of hashes) at = writeBytes(bytes, at, hash);
  at = writeUvarint(bytes, at, envelopes.length);
  const transactions: Span[] = [];
  for (const envelope of envelopes) {
    at = writeBytes(bytes, at, envelope);
    transactions.push({ offset: at - envelope.length, length: envelope.length });
  }
  at = writeUvarint(bytes, at, slots.length);
  for (const slot of slots) at = writeBytes(bytes, at, slot);
  return { bytes, transactions };
}

/**
 * Reads a record, its length in front, that ends exactly where `bytes` ends.
 * @throws {SelvageError} `LEDGER_CORRUPT` when it is none
 */
export function decodeRecord(bytes: Uint8Array): ParsedBlock {
  const cursor = new Cursor(bytes);
  if (Number(cursor.uvarint()) !== bytes.length - cursor.at) throw corrupt('the length in front is not that of the record');
  const number = cursor.uvarint();
  const dataHash = cursor.bytes();
  const previousHash = cursor.bytes();
  const transactions: Span[] = [];
  const data = list(cursor, (envelope) => transactions.push({ offset: cursor.at - envelope.length, length: envelope.length }));
  const metadata = list(cursor, () => undefined);
  if (cursor.at !== bytes.length) throw corrupt(`${bytes.length - cursor.at} bytes are left after the block`);
  return { block: { header: { number, previousHash, dataHash }, data: { data }, metadata: { metadata } }, transactions };
}

/** Every item takes at least one byte, so a count that lies ends at the end of the bytes and allocates nothing before. */
function list(cursor: Cursor, seen: (item: Uint8Array) => unknown): Uint8Array[] {
  const items: Uint8Array[] = [];
  for (let left = cursor.uvarint(); left > 0n; left -= 1n) {
    const item = cursor.bytes();
    items.push(item);
    seen(item);
  }
  return items;
}

const corrupt = (message: string): SelvageError => new SelvageError('LEDGER_CORRUPT', `the block record is damaged: ${message}`);

const sizeOf = (items: readonly Uint8Array[]): number => items.reduce((size, { length }) => size + uvarintLength(length) + length, 0);

const listSize = (items: readonly Uint8Array[]): number => uvarintLength(items.length) + sizeOf(items);

function writeBytes(into: Uint8Array, at: number, content: Uint8Array): number {
  const from = writeUvarint(into, at, content.length);
  into.set(content, from);
  return from + content.length;
}
