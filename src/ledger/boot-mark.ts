/**
 * Tells whether what was written without waiting for the disk can be trusted. A killed process loses nothing that it
 * handed to the kernel; a machine that stopped may have. So the folder's mark names the boot under which the store was
 * opened, and says `clean` only after everything was synced.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { dirname } from 'node:path';

interface Mark {
  readonly bootId: string;
  readonly clean: boolean;
}

/** Names the current run of the machine: another one after each boot. */
export async function currentBootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    return `${hostname()} up since ${Math.round((Date.now() / 1000 - uptime()) / 60)}`;
  }
}

/** Whether the store beside this mark holds all that was committed to it. False without a mark: then there is no store yet. */
export async function isTrusted(path: string, bootId: string): Promise<boolean> {
  try {
    const mark: Partial<Mark> = JSON.parse(await readFile(path, 'utf8'));
    return mark.clean === true || mark.bootId === bootId;
  } catch {
    return false;
  }
}

/** Writes the mark and waits until it is on the disk, whole. */
export async function writeMark(path: string, mark: Mark): Promise<void> {
  const next = `${path}.next`;
  const file = await open(next, 'w');
  try {
    await file.writeFile(JSON.stringify(mark));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, path);
  await syncFolder(dirname(path));
}

/** Brings the names in a folder to the disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
