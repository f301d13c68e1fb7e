import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { compareUtf8 } from './bytes.ts';
import { errnoOf } from './errors.ts';

/** What a peer keeps is its owner's affair alone, whatever the umask. */
export const OWNER_FOLDER = 0o700;
export const OWNER_FILE = 0o600;

/** What the names of files begin with that are not complete yet. */
const UNFINISHED = '.unfinished-';

/** Makes a folder that only its owner can look into, and those above it that are absent; they outlast a crash. */
export async function makeFolder(path: string): Promise<void> {
  const first = await makeEach(resolve(path));
  if (first === undefined) return;
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    await syncFolder(dirname(folder));
    if (folder === resolve(first) || folder === dirname(folder)) return;
  }
}

/**
 * The same for a folder that need not outlast a crash. What `recursive` of Node's own does, which never comes back where the system
 * makes no folder for anybody, such as in /proc.
 */
export async function makePassingFolder(path: string): Promise<void> {
  await makeEach(resolve(path));
}

/** @returns the uppermost that was made; undefined when all were there */
async function makeEach(path: string): Promise<string | undefined> {
  const above = await makeOne(path).catch((thrown: unknown) => {
    if (errnoOf(thrown) !== 'ENOENT' || dirname(path) === path) throw thrown;
    return 'absent' as const;
  });
  if (above !== 'absent') return above === 'made' ? path : undefined;
  const first = await makeEach(dirname(path));
  return (await makeOne(path)) === 'made' ? (first ?? path) : first;
}

async function makeOne(path: string): Promise<'made' | 'there'> {
  try {
    await mkdir(path, { mode: OWNER_FOLDER });
    return 'made';
  } catch (thrown) {
    const there =
      errnoOf(thrown) === 'EEXIST' &&
      (await stat(path).then(
        (found) => found.isDirectory(),
        () => false,
      ));
    if (there) return 'there';
    throw thrown;
  }
}

/**
 * Makes a file that is complete or absent, also after a crash, and makes its folder first if need be. A file that is there already
 * stays as it is.
 * @returns whether it was made: false when there was one
 * @throws what the disk says
 */
export async function createDurably(path: string, bytes: Uint8Array): Promise<boolean> {
  const folder = dirname(path);
  await makeFolder(folder);
  const unfinished = join(folder, `${UNFINISHED}${randomUUID()}`);
  try {
    await writeDurably(unfinished, bytes);
    await link(unfinished, path); // unlike rename, never replaces
    await syncFolder(folder);
    return true;
  } catch (thrown) {
    if (errnoOf(thrown) === 'EEXIST') return false;
    throw thrown;
  } finally {
    await unlink(unfinished).catch(() => undefined);
  }
}

/**
 * Writes a file that has its old content or its new one, also after a crash. Its folder must be there.
 * @throws what the disk says, and then nothing is changed
 */
export async function replaceDurably(path: string, content: Uint8Array | string): Promise<void> {
  const unfinished = join(dirname(path), `${UNFINISHED}${randomUUID()}`);
  try {
    await writeDurably(unfinished, content);
    await rename(unfinished, path);
  } catch (thrown) {
    await unlink(unfinished).catch(() => undefined);
    throw thrown;
  }
  await syncFolder(dirname(path));
}

/** Removes a file for good; one that is not there is no loss. */
export async function removeDurably(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return;
    throw thrown;
  }
  await syncFolder(dirname(path));
}

/** Removes what writers left in a folder that were killed. Nobody may be writing there. */
export async function removeUnfinished(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (name.startsWith(UNFINISHED)) await unlink(join(folder, name));
}

/** Names of the complete files in a folder, in order; none when there is no such folder. */
export async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith(UNFINISHED)).sort(compareUtf8);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

/** Makes a file and brings its content to the disk; its name gets there with {@link syncFolder}. @throws `EEXIST` when there is one */
export async function writeDurably(path: string, bytes: Uint8Array | string): Promise<void> {
  const file = await open(path, 'wx', OWNER_FILE);
  try {
    await file.writeFile(bytes).catch(naming(path));
    await file.sync().catch(naming(path));
  } finally {
    await file.close();
  }
}

/** For `catch`: what the system says of a file that is open names no file, and who reads it wants to know which. */
const naming =
  (path: string) =>
  (thrown: unknown): never => {
    if (errnoOf(thrown) !== undefined && thrown instanceof Error && !('path' in thrown)) Object.assign(thrown, { path });
    throw thrown;
  };

/** Brings the names in a folder to the disk. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // a folder cannot be opened there
  const folder = await open(path, 'r');
  try {
    await folder.sync().catch(naming(path));
  } finally {
    await folder.close();
  }
}
