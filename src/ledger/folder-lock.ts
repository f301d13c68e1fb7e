import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SelvageError } from '../common/errors.ts';

/** Who holds a folder. The start time, in the kernel's ticks since boot, tells a process from a later one with its pid. */
interface Holder {
  readonly pid: number;
  readonly started: string;
  readonly bootId: string;
  readonly token: string;
}

const LOCK = 'lock';

/**
 * Makes this process the only one that works in a folder. The lock of a process that no longer runs is taken over.
 * @throws {SelvageError} `LEDGER_UNAVAILABLE` while another one holds it, this process itself included
 */
export async function lockFolder(folder: string, bootId: string): Promise<AsyncDisposable> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, LOCK);
  const holder: Holder = { pid: process.pid, started: (await startTime(process.pid)) ?? '', bootId, token: randomUUID() };
  const own = `${path}.${holder.token}`;
  await writeFile(own, JSON.stringify(holder), { flush: true });
  try {
    while (!(await linked(own, path))) await removeStale(path, bootId);
  } finally {
    await unlink(own);
  }
  return { [Symbol.asyncDispose]: () => release(path, holder) };
}

/** A link appears whole or not at all, so nobody reads half a lock. */
async function linked(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Moves a dead process' lock away; puts it back if another process was quicker and it is no longer that one. */
async function removeStale(path: string, bootId: string): Promise<void> {
  const found = await holderIn(path);
  if (found === undefined) return;
  if (await isAlive(found, bootId)) {
    const advice = 'Stop the other process, or give this one a folder of its own.';
    throw new SelvageError('LEDGER_UNAVAILABLE', `the ledger folder is in use by process ${found.pid}`, {
      details: { path, pid: found.pid },
      advice,
    });
  }
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  if ((await holderIn(aside))?.token !== found.token) await linked(aside, path);
  await rm(aside, { force: true });
}

async function holderIn(path: string): Promise<Holder | undefined> {
  try {
    const { pid, started, bootId, token }: Partial<Holder> = JSON.parse(await readFile(path, 'utf8'));
    return { pid: Number(pid), started: String(started), bootId: String(bootId), token: String(token) };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw new SelvageError('LEDGER_UNAVAILABLE', 'the lock of the ledger folder cannot be read', { cause: error, details: { path } });
  }
}

async function isAlive({ pid, started, bootId }: Holder, now: string): Promise<boolean> {
  if (bootId !== now || !Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false;
  }
  const since = await startTime(pid);
  return since === undefined || started === '' || since === started;
}

/** Field 22 of `/proc/<pid>/stat`; undefined on systems without it. The name in field 2 may hold blanks and brackets. */
async function startTime(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

async function release(path: string, holder: Holder): Promise<void> {
  if ((await holderIn(path))?.token === holder.token) await unlink(path);
}

const hasCode = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code;
