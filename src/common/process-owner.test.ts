import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endOrphans } from '../runtimes/process/orphans.ts';
import { Scratch } from '../runtimes/process/scratch.ts';
import { silent } from './log.ts';
import { ownerGone, ownerMark } from './process-owner.ts';

const linux = process.platform === 'linux';

/** The mark of a process that has ended, made from that of this one: another id, or the same id started at another time. */
async function goneMark(): Promise<string> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  const [, ...rest] = ownerMark().split('.');
  return [child.pid, ...rest].join('.');
}

describe('who owns what a process leaves', () => {
  it('is this process as long as it runs', () => {
    expect(ownerGone(ownerMark())).toBe(false);
  });

  it('is nobody after the process ended', async () => {
    expect(ownerGone(await goneMark())).toBe(true);
  });

  it.skipIf(!linux)('is nobody when another process has its id now', () => {
    const [pid, started, where] = ownerMark().split('.');
    expect(ownerGone([pid, Number(started) - 1, where].join('.'))).toBe(true);
  });

  it.skipIf(!linux)('is not known of a process in another container', async () => {
    const [pid, started] = (await goneMark()).split('.');
    expect(ownerGone([pid, started, '1'].join('.'))).toBe(false);
  });

  it('is nobody’s business when the mark is none', () => {
    for (const mark of ['', '0', '-1', 'x.1.2', `${'1'.repeat(3)}x`]) expect(ownerGone(mark), mark).toBe(false);
  });
});

describe('scratch folders', () => {
  it('of processes that ended are removed, others are not', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'selvage-scratch-'));
    try {
      const gone = `${await goneMark()}-1`;
      for (const name of [gone, `${ownerMark()}-2`, 'unrelated']) await mkdir(join(directory, name, 'content'), { recursive: true });
      await using folder = await new Scratch(directory).folder();
      expect((await readdir(directory)).sort()).toEqual([`${ownerMark()}-2`, folder.path.slice(directory.length + 1), 'unrelated'].sort());
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe.skipIf(!linux)('orphaned processes', () => {
  /** A process that ignores what can be ignored, with a child of its own. */
  const start = (mark: string) =>
    spawn('/bin/sh', ['-c', 'trap "" TERM HUP INT; sleep 1000 & echo started; wait'], {
      env: { PATH: process.env['PATH'], SELVAGE_PROCESS_TREE: mark },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });

  it('are ended with all they started; those of running peers are not', async () => {
    const orphan = start(`${await goneMark()}.tree`);
    const owned = start(`${ownerMark()}.tree`);
    try {
      await Promise.all([once(orphan.stdout, 'data'), once(owned.stdout, 'data')]);
      const closed = once(orphan, 'close'); // its output closes when its child is gone, too
      await endOrphans(silent);
      expect((await closed)[1]).toBe('SIGKILL');
      expect(existsSync(`/proc/${owned.pid}`)).toBe(true);
      expect(owned.signalCode).toBeNull();
    } finally {
      for (const { pid } of [orphan, owned]) if (pid !== undefined && existsSync(`/proc/${pid}`)) process.kill(-pid, 'SIGKILL');
    }
  });
});
