/**
 * A look at an LMDB file before lmdb maps it: on a file that is cut off or no database it does not fail but takes the process
 * down (lmdb 3.5.6). The two first pages are its meta pages; the one with the higher transaction counts.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SelvageError } from '../../common/errors.ts';

/** Places in a meta page, of lmdb's variant of LMDB's `MDB_meta`. */
const MAGIC_AT = 0x18;
const PAGE_SIZE_AT = 0x30;
const ROOTS_AT = [0x58, 0x88] as const;
const TRANSACTION_AT = 0x98;
const META_BYTES = 0xa0;
const MAGIC = 0xbeefc0de;
/** Root of a tree that is empty. */
const NO_PAGE = 2n ** 64n - 1n;

/** Passes a file that is absent, empty or whole. @throws {SelvageError} `LEDGER_CORRUPT` */
export function checkLmdbFile(path: string): void {
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
    const { roots, pageSize } = second.transaction > first.transaction ? second : first;
    return pageSize * (1 + Math.max(1, ...roots.filter((root) => root !== NO_PAGE).map(Number)));
  }

  function meta(from: number, position: number): Meta {
    const page = Buffer.alloc(META_BYTES);
    if (readSync(from, page, 0, META_BYTES, position) < META_BYTES || page.readUInt32LE(MAGIC_AT) !== MAGIC)
      throw damaged(path, 'it is no database');
    const roots = ROOTS_AT.map((at) => page.readBigUInt64LE(at));
    return { pageSize: page.readUInt32LE(PAGE_SIZE_AT), roots, transaction: page.readBigUInt64LE(TRANSACTION_AT) };
  }
}

interface Meta {
  readonly pageSize: number;
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
