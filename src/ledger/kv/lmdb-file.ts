/**
 * A look at an LMDB file before lmdb maps it: on a file that is cut off or no database it does not fail but takes the process
 * down (lmdb 3.5.6). The two first pages are its meta pages, and the one with the higher transaction counts. Where syncs overlap, a
 * third one, half a page into the first, says what is on the disk; a meta page with the mark of an overlapping sync may say more than
 * that, and lmdb then goes back (`mdb_pick_meta` in its `mdb.c`).
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SelvageError } from '../../common/errors.ts';

/** Places in a meta page, of lmdb's variant of LMDB's `MDB_meta`. */
const MAGIC_AT = 0x18;
const PAGE_SIZE_AT = 0x30;
const FLAGS_AT = 0x34;
const OVERLAPPING = 0x1000;
const ROOTS_AT = [0x58, 0x88] as const;
const TRANSACTION_AT = 0x98;
const META_BYTES = 0xa0;
const MAGIC = 0xbeefc0de;
/** Root of a tree that is empty. */
const NO_PAGE = 2n ** 64n - 1n;

/** Passes a file that is absent, empty or whole. @throws {SelvageError} `LEDGER_CORRUPT` */
export function checkLmdbFile(path: string, { overlapping }: { readonly overlapping: boolean }): void {
  const file = openIfThere(path);
  if (file === undefined) return;
  try {
    const { size } = fstatSync(file);
    if (size > 0 && size < wholeSize(file)) throw damaged(path, 'it is cut off');
  } finally {
    closeSync(file);
  }

  /**
   * How long the file must be at least: its newest trees have their roots in it. (Not every page that lmdb counts is ever
   * written, so the number of pages would ask for too much.)
   */
  function wholeSize(from: number): number {
    const first = meta(from, 0);
    const second = meta(from, first.pageSize);
    const latest = second.transaction > first.transaction ? second : first;
    const { roots } = overlapping ? onDisk(onDisk(first, second), fields(from, first.pageSize / 2)) : latest;
    return first.pageSize * (1 + Math.max(1, ...roots.filter((root) => root !== NO_PAGE).map(Number)));
  }

  function meta(from: number, position: number): Meta {
    const found = fields(from, position);
    if (found.magic !== MAGIC) throw damaged(path, 'it is no database');
    return found;
  }

  function fields(from: number, position: number): Meta {
    const page = Buffer.alloc(META_BYTES);
    if (readSync(from, page, 0, META_BYTES, position) < META_BYTES) throw damaged(path, 'it is no database');
    return {
      magic: page.readUInt32LE(MAGIC_AT),
      pageSize: page.readUInt32LE(PAGE_SIZE_AT),
      overlapping: (page.readUInt16LE(FLAGS_AT) & OVERLAPPING) !== 0,
      roots: ROOTS_AT.map((at) => page.readBigUInt64LE(at)),
      transaction: page.readBigUInt64LE(TRANSACTION_AT),
    };
  }
}

/** Which of two meta pages lmdb takes when it wants one whose pages are all on the disk. */
function onDisk(a: Meta, b: Meta): Meta {
  if (b.transaction === 0n) return a;
  const latest = a.transaction >= b.transaction ? a : b;
  if (!latest.overlapping) return latest;
  return a.transaction > b.transaction ? b : a;
}

interface Meta {
  readonly magic: number;
  readonly pageSize: number;
  /** Whether its pages may not be on the disk yet. */
  readonly overlapping: boolean;
  /** Page numbers of the roots of both trees: free pages, and content. */
  readonly roots: readonly bigint[];
  readonly transaction: bigint;
}

const damaged = (path: string, why: string): SelvageError =>
  new SelvageError('LEDGER_CORRUPT', `the key-value store is damaged: ${why}`, { details: { path } });

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
