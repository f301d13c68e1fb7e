import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { isSealed, sealed } from './checked-value.ts';

/** Gives the values of a store of an earlier version their checksums, all or none. Doing it twice is harmless. */
export async function sealStore(path: string): Promise<void> {
  if (!existsSync(join(path, 'data.mdb'))) return;
  const db = open<Uint8Array, Uint8Array>({
    path,
    encoding: 'binary',
    keyEncoding: 'binary',
    noSubdir: false,
    overlappingSync: false,
    maxDbs: 1,
  });
  try {
    await db.transaction(() => {
      for (const { key, value } of [...db.getRange({})]) if (!isSealed(key, value)) db.put(key, sealed(key, value));
    });
  } finally {
    await db.close();
  }
}
