import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';

const here = dirname(fileURLToPath(import.meta.url));

/** The recorded vectors of this repository, packed. */
export const VECTORS = join(here, 'recorded-networks.tar.gz');

const cache = join(here, '..', '..', 'node_modules', '.cache');

/** Where {@link unpackVectors} puts them: a folder named after the archive's content. */
export function vectorsFolder(): string {
  const content = createHash('sha256').update(readFileSync(VECTORS)).digest('hex').slice(0, 16);
  return join(cache, `selvage-vectors-${content}`);
}

/** Unpacks the vectors unless they are there; whole or not at all. Vitest calls it once before the first test. */
export default async function unpackVectors(): Promise<void> {
  const folder = vectorsFolder();
  if (existsSync(folder)) return;
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, 'unpacking-'));
  const entries = extract();
  const read = pipeline(createReadStream(VECTORS), createGunzip(), entries);
  for await (const entry of entries) {
    const path = join(scratch, entry.header.name);
    if (entry.header.type === 'directory') await mkdir(path, { recursive: true });
    else await writeFile(path, await buffer(entry));
    entry.resume();
  }
  await read;
  await rename(scratch, folder).catch(async (taken: unknown) => {
    await rm(scratch, { recursive: true, force: true });
    if (!existsSync(folder)) throw taken; // else another run was first
  });
}
