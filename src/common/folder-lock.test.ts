import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder } from './folder-lock.ts';

const built = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'common', 'folder-lock.js');

/** Takes the lock of the folder, says how that went, and holds it until a line comes in. */
const CHILD = `
  const { lockFolder } = await import(${JSON.stringify(pathToFileURL(built).href)});
  const lock = await lockFolder(process.argv[1], 'the folder').catch((error) => ({ error }));
  console.log(lock.error ? lock.error.code + ': ' + lock.error.message : 'held by ' + process.pid);
  if (lock.error) process.exit(0);
  process.stdin.once('data', async () => { await lock[Symbol.asyncDispose](); process.exit(0); });
`;
const NAMESPACES = ['unshare', '--pid', '--net', '--mount', '--fork', '--kill-child', '--mount-proc'];
const canUnshare = spawnSync(NAMESPACES[0] ?? '', [...NAMESPACES.slice(1), 'true']).status === 0;

/** A process that tries to hold a folder. */
class Contender implements AsyncDisposable {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  /** What it says: `held by <pid>`, or why not. */
  readonly said: Promise<string>;
  readonly #exited: Promise<void>;

  constructor(folder: string, around: readonly string[] = []) {
    const [file = '', ...args] = [...around, process.execPath, '--input-type=module', '-e', CHILD, folder];
    this.process = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#exited = new Promise((resolve) => this.process.once('close', () => resolve()));
    const lines = createInterface({ input: this.process.stdout });
    this.said = new Promise((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => resolve('died'));
    });
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.#exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sockets = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.startsWith('lock'));

describe('the lock of a folder', () => {
  it('is held once, by this process too, and can be taken again when it was given back', async () => {
    const inUse = {
      code: 'FOLDER_IN_USE',
      details: { pid: process.pid },
      message: expect.stringContaining('the folder is in use by process'),
    };
    for (let round = 0; round < 3; round += 1) {
      await using _ = await lockFolder(folder, 'the folder');
      await expect(lockFolder(folder, 'the folder')).rejects.toMatchObject(inUse);
    }
    expect(await sockets()).toEqual(['lock.3']);
  });

  it('goes to one of many that ask at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const asked = await Promise.allSettled(Array.from({ length: 12 }, () => lockFolder(folder, 'the folder')));
      const held = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      expect(held).toHaveLength(1);
      for (const each of asked) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'FOLDER_IN_USE' });
      await held[0]?.[Symbol.asyncDispose]();
    }
  });

  it('works in a folder whose path is too long for a socket', async () => {
    const long = join(folder, 'a'.repeat(100), 'b'.repeat(100));
    await using _ = await lockFolder(long, 'the folder');
    await expect(lockFolder(long, 'the folder')).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
  });

  it('is not kept from a folder that was copied, nor by other files with such names', async () => {
    await using _ = await lockFolder(folder, 'the folder');
    const copy = join(folder, 'copy');
    await mkdir(copy);
    spawnSync('cp', ['-a', join(folder, 'lock.1'), copy]);
    await writeFile(join(copy, 'lock.2'), 'restored from a backup');
    await writeFile(join(copy, 'lock'), '{}');
    await using __ = await lockFolder(copy, 'the folder');
    expect((await readdir(copy)).sort()).toEqual(['lock', 'lock.3']);
  });

  it('is given back although somebody stays connected to it', async () => {
    const lock = await lockFolder(folder, 'the folder');
    const stranger = createConnection({ path: join(folder, 'lock.1'), allowHalfOpen: true });
    await new Promise((resolve) => stranger.once('connect', resolve));
    await lock[Symbol.asyncDispose]();
    await using _ = await lockFolder(folder, 'the folder');
    stranger.destroy();
  });

  it('is not kept by an ear that is closed while it is asked, as that of a child is that was just forked', async () => {
    const ear = createServer((connection) => {
      connection.destroy();
      ear.close();
    });
    const own = join(folder, 'lock.own');
    await new Promise<void>((resolve) => ear.listen(own, resolve));
    await link(own, join(folder, 'lock.1'));
    await using _ = await lockFolder(folder, 'the folder');
    expect(await sockets()).toEqual(['lock.2']);
  });

  it('is kept by an ear that goes on ending what it hears', async () => {
    const ear = createServer((connection) => connection.destroy());
    const own = join(folder, 'lock.own');
    await new Promise<void>((resolve) => ear.listen(own, resolve));
    await link(own, join(folder, 'lock.1'));
    await expect(lockFolder(folder, 'the folder')).rejects.toMatchObject({
      code: 'FOLDER_IN_USE',
      message: expect.stringContaining('the folder is in use by another process'),
    });
    await new Promise((resolve) => ear.close(resolve));
  });

  it('says so where it cannot be held', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(lockFolder(join('/proc', 'self'), 'the folder')).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      advice: expect.any(String),
    });
    await expect(lockFolder(join(folder, 'file'), 'the folder')).rejects.toThrow();
  });
});

describe.skipIf(!existsSync(built))('the lock of a folder among processes', () => {
  it('outlives its holder by nothing: not when it is killed, and not when the next one has its process id', async () => {
    for (let round = 0; round < 5; round += 1) {
      await using first = new Contender(folder);
      expect(await first.said).toBe(`held by ${first.process.pid}`);
      await using second = new Contender(folder);
      expect(await second.said).toContain(`FOLDER_IN_USE: the folder is in use by process ${first.process.pid}`);
      await first.kill();
    }
    expect(await sockets()).toEqual(['lock.5']);
  });

  it('goes to one of several that find the holder killed', async () => {
    for (let round = 0; round < 5; round += 1) {
      await using first = new Contender(folder);
      await first.said;
      await first.kill();
      const several = Array.from({ length: 4 }, () => new Contender(folder));
      try {
        const said = await Promise.all(several.map((each) => each.said));
        expect(said.filter((each) => each.startsWith('held'))).toHaveLength(1);
        expect(said.filter((each) => each.startsWith('FOLDER_IN_USE'))).toHaveLength(3);
      } finally {
        for (const each of several) await each.kill();
      }
    }
  });

  it('is held by a process that is stopped and answers nobody', async () => {
    await using first = new Contender(folder);
    await first.said;
    first.process.kill('SIGSTOP');
    await using second = new Contender(folder);
    expect(await second.said).toContain('FOLDER_IN_USE: the folder is in use by another process');
  });

  it.skipIf(!canUnshare)('is seen from other namespaces of processes and networks, where ids are the same', async () => {
    await using first = new Contender(folder, NAMESPACES);
    expect(await first.said).toBe('held by 1');
    await using second = new Contender(folder, NAMESPACES);
    expect(await second.said).toContain('FOLDER_IN_USE: the folder is in use by process 1');
    await first.kill();
    await using third = new Contender(folder, NAMESPACES);
    expect(await third.said).toBe('held by 1');
    await using fourth = new Contender(folder);
    expect(await fourth.said).toContain('FOLDER_IN_USE');
  });
});
