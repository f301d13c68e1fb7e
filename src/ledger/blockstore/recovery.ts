import { equalBytes } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { blockDataHash } from '../../protos/hashes.ts';
import type { Checkpoint } from './block-index.ts';
import { decodeRecord, type ParsedBlock } from './block-record.ts';
import type { Location } from './segment-reader.ts';

export interface FoundRecord {
  readonly location: Location;
  readonly bytes: Uint8Array;
  readonly tip: Checkpoint;
  readonly end: { readonly file: number; readonly offset: number };
}

/**
 * A record found beyond the index, if it is the block that follows. A machine that stopped may have kept the length of the
 * last record and lost some of its bytes; such a record was never acknowledged, and undefined says that it can go.
 * @throws {SelvageError} `LEDGER_CORRUPT` when a damaged record has others behind it
 */
export function checkTail({ location, bytes, tip, end }: FoundRecord): ParsedBlock | undefined {
  const problem = problemOf(bytes, tip);
  if (typeof problem !== 'string') return problem;
  if (location.file === end.file && location.offset + location.length === end.offset) return undefined;
  throw new SelvageError('LEDGER_CORRUPT', `block ${tip.height} in the block files is damaged: ${problem}`);
}

function problemOf(bytes: Uint8Array, tip: Checkpoint): ParsedBlock | string {
  let parsed: ParsedBlock;
  try {
    parsed = decodeRecord(bytes);
  } catch (error) {
    if (error instanceof SelvageError) return error.message;
    throw error;
  }
  const { header, data } = parsed.block;
  if (header === undefined || header.number !== tip.height) return `its number is ${header?.number}`;
  if (tip.height > 0n && !equalBytes(header.previousHash, tip.hash)) return 'it does not name the hash of the block before it';
  if (!equalBytes(blockDataHash({ data: data?.data }), header.dataHash)) return 'its transactions do not hash to its data hash';
  return parsed;
}
