import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { compareUtf8 } from '../common/bytes.ts';

/** What the names of files begin with that are not complete yet. */
const UNFINISHED = '.unfinished-';

/**
 * Makes a file that is complete or absent, also after a crash, and makes its folder first if need be. A file that is there already
 * stays as it is.
 * @returns whether it was made: false when there was one
 * @throws what the disk says
 */
export async function createDurably(path: string, bytes: Uint8Array): Promise<boolean> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const unfinished = join(folder, `${UNFINISHED}${randomUUID()}`);
  try {
    await writeDurably(unfinished, bytes);
    await link(unfinished, path); // unlike rename, never replaces
    await syncFolder(folder);
    return true;
  } catch (thrown) {
    if (isErrno(thrown, 'EEXIST')) return false;
    throw thrown;
  } finally {
    await unlink(unfinished).catch(() => undefined);
  }
}

/** Removes a file for good; one that is not there is no loss. */
export async function removeDurably(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT')) return;
    throw thrown;
  }
  await syncFolder(dirname(path));
}

/** Names of the complete files in a folder, in order; none when there is no such folder. */
export async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith(UNFINISHED)).sort(compareUtf8);
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT')) return [];
    throw thrown;
  }
}

export const isErrno = (thrown: unknown, code: string): boolean => thrown instanceof Error && 'code' in thrown && thrown.code === code;

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // a folder cannot be opened there
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
