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

/** The recorded vectors of this repository, packed: networks with their calls and blocks, gossip between peers, and rich queries. */
const ARCHIVES = {
  networks: join(here, 'recorded-networks.tar.gz'),
  gossip: join(here, 'recorded-gossip.tar.gz'),
  queries: join(here, 'recorded-queries.tar.gz'),
};

const cache = join(here, '..', '..', 'node_modules', '.cache');

/** Where {@link unpackVectors} puts an archive: a folder named after its content. */
export function vectorsFolder(which: keyof typeof ARCHIVES = 'networks'): string {
  const content = createHash('sha256').update(readFileSync(ARCHIVES[which])).digest('hex').slice(0, 16);
  return join(cache, `selvage-vectors-${content}`);
}

/** Unpacks the vectors unless they are there. Vitest calls it once before the first test. */
export default async function unpackVectors(): Promise<void> {
  await unpack(ARCHIVES.networks, vectorsFolder('networks'));
  await unpack(ARCHIVES.gossip, vectorsFolder('gossip'));
  await unpack(ARCHIVES.queries, vectorsFolder('queries'));
}

/** Whole or not at all. */
async function unpack(archive: string, folder: string): Promise<void> {
  if (existsSync(folder)) return;
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, 'unpacking-'));
  const entries = extract();
  const read = pipeline(createReadStream(archive), createGunzip(), entries);
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
