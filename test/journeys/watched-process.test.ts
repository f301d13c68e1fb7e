import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { repository } from './network.ts';

let child: ChildProcess | undefined;
afterEach(() => void child?.kill('SIGKILL'));

/** A process that never ends by itself and says what it hears. */
async function watched(
  then = '',
): Promise<{ readonly lines: string[]; end(): Promise<(number | string | null)[]>; signal(name: NodeJS.Signals): void }> {
  const script = `
    import { WatchedProcess } from ${JSON.stringify(join(repository, 'dist/cli/watched-process.js'))};
    const watched = new WatchedProcess({ endWithinMs: 300 });
    watched.listen({
      signalled: ({ text }) => console.log('signal ' + text),
      failed: (error) => console.log('failed ' + error.cause.message),
      warned: (warning) => console.log('warned ' + warning.message),
      cut: () => console.log('cut'),
    });
    setInterval(() => undefined, 1000);
    console.log('up');
    ${then}`;
  const started = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  child = started;
  const lines: string[] = [];
  const closed = once(started, 'close');
  const up = new Promise<void>((resolve) => {
    for (const stream of [started.stdout, started.stderr])
      createInterface(stream).on('line', (line) => {
        lines.push(line);
        if (line === 'up') resolve();
      });
  });
  await up;
  return { lines, end: () => closed, signal: (name) => void started.kill(name) };
}

describe('a process that is told to end and does not', () => {
  it('is ended when its time is over, after a last word', async () => {
    const { lines, end, signal } = await watched();
    signal('SIGTERM');
    expect(await end()).toEqual([1, null]);
    expect(lines).toEqual(['up', 'signal 15 (terminated)', 'cut', 'Error: the end took longer than 0.3 s and is not waited for.']);
  });

  it('is given more time where it asks for that, and ended at once by a second signal', async () => {
    const { end, signal, lines } = await watched('watched.allow(600_000);');
    signal('SIGINT');
    while (!lines.includes('signal 2 (interrupt)')) await new Promise(setImmediate);
    signal('SIGINT');
    expect(await end()).toEqual([null, 'SIGINT']);
  });
});

describe('what happens where nobody waits for it', () => {
  it.each([
    ['a rejection', "void Promise.reject(new Error('lost'));"],
    ['an exception', "setImmediate(() => { throw new Error('lost'); });"],
  ])('%s is told and ends the process', async (_, then) => {
    const { lines, end } = await watched(then);
    expect(await end()).toEqual([1, null]);
    expect(lines).toContain('failed lost');
    expect(lines).toContain('cut');
  });

  it('a warning of Node is told, and not printed among our lines', async () => {
    const { lines, signal, end } = await watched(
      "process.emitWarning('old', 'DeprecationWarning'); setImmediate(() => console.log('done'));",
    );
    while (!lines.includes('done')) await new Promise(setImmediate);
    signal('SIGTERM');
    await end();
    expect(lines.filter((line) => line.includes('old'))).toEqual(['warned old']);
  });
});
