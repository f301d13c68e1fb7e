/**
 * One process at a time works in a folder, whichever container, namespace or user it runs in: what says that a process is
 * alive is a listening socket in the folder itself, which the kernel closes with the process. Process ids play no part.
 *
 * The sockets have numbers, `lock.1`, `lock.2`, and only the one with the highest number counts. A process that finds it dead
 * puts its own, which listens already, under the next number with a hard link: of several that try, one succeeds. A dead socket
 * never comes to life again and the highest number is never removed, so of two live ones neither can be there.
 */
import { randomUUID } from 'node:crypto';
import { chmod, type FileHandle, link, open, readdir, unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setImmediate as immediately } from 'node:timers/promises';
import { makeFolder, OWNER_FILE } from './durable-files.ts';
import { errnoOf, SelvageError } from './errors.ts';
import { Scope } from './scope.ts';

/** How long the answer of a holder is waited for that would say who it is; one that does not answer holds the folder all the same. */
const ANSWER_MS = 1_000;
const NUMBERED = /^lock\.(\d{1,15})$/;

/**
 * Makes this process the only one that works in a folder, which is made if absent. Not for folders that several machines share:
 * a process on another machine is not seen.
 * @param what the folder's name in the error, such as `the ledger folder`
 * @throws {SelvageError} `FOLDER_IN_USE` while another one holds it, this process itself included; `SETTING_INVALID` where the
 *   file system cannot hold such a lock
 */
export async function lockFolder(folder: string, what: string): Promise<AsyncDisposable> {
  await makeFolder(folder);
  await using scope = new Scope();
  const at = await reachable(folder, scope);
  for (;;) {
    const last = await newest(at);
    const holder = last === 0 ? undefined : await holderOf(join(at, nameOf(last)));
    if (holder !== undefined) throw inUse(what, folder, holder);
    await using attempt = new Scope();
    if (!(await taken({ at, number: last + 1, what, folder }, attempt))) continue;
    scope.use(attempt.move());
    if ((await holderOf(join(at, nameOf(last + 1)))) === undefined) throw unsupported(what, folder);
    await removeDead(at, last + 1);
    return scope.move();
  }
}

/** Who holds a folder, as far as it says. */
interface Holder {
  readonly pid?: number;
  readonly host?: string;
}

interface Wanted {
  readonly at: string;
  readonly number: number;
  readonly what: string;
  readonly folder: string;
}

/** A path of the folder that is short enough for the address of a socket, good until the scope ends. */
async function reachable(folder: string, scope: Scope): Promise<string> {
  if (process.platform !== 'linux') return folder;
  const directory: FileHandle = await open(folder, 'r');
  scope.defer(() => directory.close());
  return `/proc/self/fd/${directory.fd}`;
}

/** The highest number, 0 for none. */
async function newest(at: string): Promise<number> {
  return Math.max(0, ...(await readdir(at)).map((name) => Number(NUMBERED.exec(name)?.[1] ?? 0)));
}

/** Listens first and takes the number then, so that nobody finds the number dead. False when another one was quicker. */
async function taken({ at, number, what, folder }: Wanted, scope: Scope): Promise<boolean> {
  const own = join(at, `lock.${randomUUID()}`);
  try {
    scope.use(await listening(own));
  } catch (cause) {
    throw unsupported(what, folder, cause);
  }
  try {
    await chmod(own, OWNER_FILE);
    await link(own, join(at, nameOf(number)));
    return true;
  } catch (cause) {
    // Gone: a holder that cleaned up met it in the moment between its name and its ear.
    if (errnoOf(cause) === 'EEXIST' || errnoOf(cause) === 'ENOENT') return false;
    throw unsupported(what, folder, cause);
  } finally {
    await unlink(own).catch(() => undefined);
  }
}

/** A socket that tells everybody who holds the folder, and keeps no process alive. */
async function listening(path: string): Promise<AsyncDisposable> {
  const holder: Holder = { pid: process.pid, host: hostname() };
  const server: Server = createServer((connection) => {
    connection.on('error', () => undefined);
    connection.end(JSON.stringify(holder), () => connection.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  server.unref();
  return { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

/**
 * Who answers at a socket; undefined when nobody can, ever again: its process is gone, or the file is no socket. A holder says who it
 * is to all who ask, so that a silent end means that its last ear was just closed, perhaps that of a child between fork and exec:
 * then the question is put again.
 */
async function holderOf(path: string): Promise<Holder | undefined> {
  const until = performance.now() + ANSWER_MS;
  for (;;) {
    const answer = await ask(path);
    if (answer !== 'ended' || performance.now() >= until) return answer === 'ended' ? {} : answer;
    await immediately();
  }
}

/** One connection: its answer, `{}` for none in time, `ended` when it was ended without one. */
function ask(path: string): Promise<Holder | 'ended' | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const connection = createConnection(path);
    connection.setEncoding('utf8');
    connection.on('data', (chunk) => {
      text += chunk;
    });
    connection.setTimeout(ANSWER_MS, () => {
      resolve(parsed(text));
      connection.destroy();
    });
    connection.on('error', (error) => {
      if (['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(errnoOf(error) ?? '')) resolve(undefined);
    });
    connection.on('close', () => resolve(text === '' ? 'ended' : parsed(text)));
  });
}

function parsed(text: string): Holder {
  try {
    const { pid, host }: Holder = Object(JSON.parse(text));
    return { pid: Number(pid), host: String(host) };
  } catch {
    return {};
  }
}

/** What earlier holders left, and those that were killed while they tried. */
async function removeDead(at: string, number: number): Promise<void> {
  for (const name of await readdir(at)) {
    if (!name.startsWith('lock.') || name === nameOf(number)) continue;
    if ((await holderOf(join(at, name))) === undefined) await unlink(join(at, name)).catch(() => undefined);
  }
}

const nameOf = (number: number): string => `lock.${number}`;

function inUse(what: string, folder: string, { pid, host }: Holder): SelvageError {
  const who = pid === undefined ? 'another process' : `process ${pid}${host === hostname() ? '' : ` of host ${host}`}`;
  return new SelvageError('FOLDER_IN_USE', `${what} is in use by ${who}: ${folder}`, {
    details: { folder, ...(pid !== undefined && { pid }), ...(host !== undefined && { host }) },
    advice: 'Stop the other process, or give this one a folder of its own.',
  });
}

function unsupported(what: string, folder: string, cause?: unknown): SelvageError {
  return new SelvageError('SETTING_INVALID', `${what} cannot be locked against other processes: ${folder}`, {
    cause,
    details: { folder },
    advice: 'Use a folder that can be written to, on a local file system that holds Unix sockets and hard links.',
  });
}
