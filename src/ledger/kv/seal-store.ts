import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { isSealed, sealed } from './checked-value.ts';

/** Values that one commit takes, in number and in bytes. */
const BATCH_ENTRIES = 1_000;
const BATCH_BYTES = 16 * 1024 * 1024;

type Lmdb = RootDatabase<Uint8Array, Uint8Array>;

/**
 * Gives the values of a store of an earlier version their checksums, so many at a time: a store may be larger than memory. Doing it twice
 * is harmless, and so is going on where a crash ended it.
 */
export async function sealStore(path: string): Promise<void> {
  if (!existsSync(join(path, 'data.mdb'))) return;
  const db: Lmdb = open<Uint8Array, Uint8Array>({
    path,
    encoding: 'binary',
    keyEncoding: 'binary',
    noSubdir: false,
    overlappingSync: false,
    maxDbs: 1,
  });
  try {
    for (let at: Uint8Array | undefined | 'end'; at !== 'end'; ) {
      const from: Uint8Array | undefined = at;
      at = await db.transaction(() => sealBatch(db, from));
    }
  } finally {
    await db.close();
  }
}

/** @returns the last key that it looked at, where there may be more */
function sealBatch(db: Lmdb, behind: Uint8Array | undefined): Uint8Array | 'end' {
  const found: { readonly key: Uint8Array; readonly value: Uint8Array }[] = [];
  let bytes = 0;
  for (const { key, value } of db.getRange(behind === undefined ? {} : { start: behind, exclusiveStart: true })) {
    found.push({ key, value });
    bytes += value.length;
    if (found.length === BATCH_ENTRIES || bytes >= BATCH_BYTES) break;
  }
  for (const { key, value } of found) if (!isSealed(key, value)) db.put(key, sealed(key, value));
  return found.at(-1)?.key ?? 'end';
}
