import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '../../common/errors.ts';

/** Below those that systems give to whoever asks for any port, so that nobody gets these by chance before, or between, they are used. */
const FIRST = 20_000;
const LAST = 29_999;
/** A child that was just forked holds what was just given back, until it is its program. */
const LOOKS = 5;
const LOOK_MS = 20;

/** Ports that are free now. They are given back before the caller binds them, so somebody else who wants them may be faster. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST + 1 - FIRST));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

/** Whether nobody listens there now. */
export async function areFree(ports: readonly number[]): Promise<boolean> {
  for (let look = 1; ; look += 1) {
    const free = await Promise.all(ports.map(isFree));
    if (!free.includes(false) || look === LOOKS) return !free.includes(false);
    await delay(LOOK_MS);
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (thrown) {
    if (errnoOf(thrown) === 'EADDRINUSE' || errnoOf(thrown) === 'EACCES') return false; // the latter where a system keeps it for itself
    throw thrown;
  }
  await once(server.close(), 'close');
  return true;
}
