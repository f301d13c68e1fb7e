/**
 * Ports for what a test starts later, and for what is never there. A port that was listened on to find it is not sure to be free when it
 * was closed: a child that another thread just forked holds it open until it is its program, and the system gives it to whoever asks
 * for any port. So nobody listens to find these, they lie below those that the system gives, and this process keeps them for itself, as
 * UDP ports, until it ends.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SelvageError } from '../src/common/errors.ts';

const FIRST = 10_000;
const LAST = 19_999; // the development network takes its own above
const claims: Socket[] = [];

/** A port of this machine where nobody listens, and that no other test gets. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST + 1 - FIRST));
    if ((await claimed(port)) && !(await accepts(port))) return port;
  }
}

export const freePorts = (count: number): Promise<number[]> => Promise.all(Array.from({ length: count }, freePort));

/** Resolves when something accepts connections there. */
export async function listening(port: number): Promise<void> {
  while (!(await accepts(port))) await delay(20);
}

/** Listens where somebody listened before: what a child of another thread holds is free once that is its program. */
export async function listenAgain<T>(listen: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await listen();
    } catch (thrown) {
      if (SelvageError.from(thrown).code !== 'ADDRESS_IN_USE') throw thrown;
      await delay(20);
    }
  }
}

async function claimed(port: number): Promise<boolean> {
  const socket = createSocket('udp4').unref();
  try {
    socket.bind({ port, address: '127.0.0.1', exclusive: true });
    await once(socket, 'listening');
  } catch {
    return false; // another test's
  }
  claims.push(socket);
  return true;
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
