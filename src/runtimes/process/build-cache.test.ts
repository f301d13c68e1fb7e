import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Logger, silent } from '../../common/log.ts';
import { BuildCache, type CacheBounds } from './build-cache.ts';
import { Scratch } from './scratch.ts';

const DAY = 24 * 60 * 60 * 1000;
/** An hour from now, so that nothing of a test was used lately. */
const NOW = new Date(Date.now() + 60 * 60_000);
const keyOf = (digit: number): string => String(digit).repeat(64);

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-build-cache-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = (bounds: CacheBounds, log: Logger = silent): BuildCache =>
  new BuildCache({ directory, scratch: new Scratch(join(directory, 'unfinished')), bounds, log, clock: { now: () => NOW } });

/** A build of that many bytes that was used last so many days ago. */
async function build(digit: number, bytes: number, daysAgo: number): Promise<string> {
  const place = join(directory, 'builds', keyOf(digit));
  await mkdir(join(place, 'node_modules', 'a'), { recursive: true });
  await writeFile(join(place, 'node_modules', 'a', 'index.js'), Buffer.alloc(bytes));
  const when = new Date(NOW.getTime() - daysAgo * DAY);
  await utimes(place, when, when);
  return place;
}

const kept = async (): Promise<readonly number[]> => (await readdir(join(directory, 'builds'))).map((name) => Number(name[0])).sort();

describe('the cache of builds', () => {
  it('finds what was kept, and the first of two equal builds stays', async () => {
    const cache = open({});
    expect(await cache.find(keyOf(1))).toBeUndefined();
    for (const content of ['first', 'second']) {
      const from = join(directory, content);
      await mkdir(from);
      await writeFile(join(from, content), '');
      const place = await cache.keep(keyOf(1), from);
      expect(await cache.find(keyOf(1))).toBe(place);
      expect(await readdir(place)).toEqual(['first']);
    }
  });

  it('removes what was used longest ago until the rest fits, and says so', async () => {
    const lines: unknown[] = [];
    const log: Logger = { ...silent, info: (text, fields) => lines.push([text, fields]), child: () => log };
    for (const [digit, days] of [
      [1, 3],
      [2, 9],
      [3, 5],
      [4, 1],
    ] as const)
      await build(digit, 1000, days);
    await open({ maxBytes: 2500 }, log).prune();
    expect(await kept()).toEqual([1, 4]);
    expect(lines).toEqual([
      ['an old chaincode build was removed', { build: keyOf(2), bytes: 1000, unusedMs: expect.closeTo(9 * DAY, -1), left: 3000 }],
      ['an old chaincode build was removed', { build: keyOf(3), bytes: 1000, unusedMs: expect.closeTo(5 * DAY, -1), left: 2000 }],
    ]);
    expect(await readdir(join(directory, 'unfinished'))).toEqual([]);
    expect((await readdir(join(directory, 'uses'))).map((name) => Number(name[0])).sort()).toEqual([1, 4]);
  });

  it('removes what nothing used for too long, though there is room', async () => {
    for (const [digit, days] of [
      [1, 31],
      [2, 29],
    ] as const)
      await build(digit, 10, days);
    await open({ maxUnusedMs: 30 * DAY }).prune();
    expect(await kept()).toEqual([2]);
  });

  it('keeps what was used lately, however large', async () => {
    await build(1, 1000, 0);
    await open({ maxBytes: 1 }).prune();
    expect(await kept()).toEqual([1]);
  });

  it('keeps everything without bounds, and what is no build in any case', async () => {
    await build(1, 1000, 1000);
    await mkdir(join(directory, 'builds', 'mine'));
    await open({}).prune();
    expect(await kept()).toHaveLength(2);
    await open({ maxBytes: 1 }).prune();
    expect(await readdir(join(directory, 'builds'))).toEqual(['mine']);
  });

  it('never removes what is in use, also by another process, until that is over', async () => {
    for (const digit of [1, 2, 3]) await build(digit, 1000, 100);
    const cache = open({ maxBytes: 1, maxUnusedMs: 1 });
    const use = await cache.use(keyOf(1));
    await mkdir(join(directory, 'uses', keyOf(2)), { recursive: true });
    const other = join(directory, 'uses', keyOf(2), `${process.ppid}-other`);
    await writeFile(other, '');
    await cache.prune();
    expect(await kept()).toEqual([1, 2]);
    await use[Symbol.asyncDispose]();
    await rm(other);
    await open({ maxBytes: 1 }).prune();
    expect(await kept()).toEqual([]);
    expect(await readdir(join(directory, 'uses'))).toEqual([]);
  });

  it('does not touch what is in use, not even for a moment', async () => {
    await build(1, 1000, 100);
    const cache = open({ maxBytes: 1 });
    await using _ = await cache.use(keyOf(1));
    await utimes(join(directory, 'builds'), new Date(1_000), new Date(1_000));
    await cache.prune();
    expect((await stat(join(directory, 'builds'))).mtimeMs).toBe(1_000);
  });

  it('gives back what somebody began to use while it was moved away', async () => {
    const place = await build(1, 1000, 100);
    const uses: AsyncDisposable[] = [];
    class LateUse extends Scratch {
      override async folder() {
        uses.push(await open({}).use(keyOf(1)));
        return super.folder();
      }
    }
    const parts = { directory, scratch: new LateUse(join(directory, 'unfinished')), bounds: { maxBytes: 1 }, log: silent };
    await new BuildCache({ ...parts, clock: { now: () => NOW } }).prune();
    expect(uses).toHaveLength(1);
    expect(await readdir(join(place, 'node_modules', 'a'))).toEqual(['index.js']);
    expect(await readdir(join(directory, 'unfinished'))).toEqual([]);
    for (const use of uses) await use[Symbol.asyncDispose]();
  });

  it('does not mind the marks of processes that were killed', async () => {
    await build(1, 1000, 100);
    const killed = spawn(process.execPath, ['-e', '']);
    await once(killed, 'exit');
    await mkdir(join(directory, 'uses', keyOf(1)), { recursive: true });
    await writeFile(join(directory, 'uses', keyOf(1), `${killed.pid}-killed`), '');
    await open({ maxBytes: 1 }).prune();
    expect(await kept()).toEqual([]);
    expect(await readdir(join(directory, 'uses'))).toEqual([]);
  });

  it('counts a use as a use, and counting the size as none', async () => {
    await build(1, 1000, 50);
    await build(2, 1000, 40);
    const cache = open({ maxBytes: 5000 });
    await cache.prune();
    await (await cache.use(keyOf(1)))[Symbol.asyncDispose]();
    await open({ maxBytes: 1500 }).prune();
    expect(await kept()).toEqual([1]);
  });

  it('gives a build that is used at the moment it is removed either back or away, never half', async () => {
    for (let round = 0; round < 30; round += 1) {
      await build(1, 10, 100);
      const cache = open({ maxBytes: 1 });
      const pruning = cache.prune();
      for (let turn = 0; turn < round; turn += 1) await new Promise(setImmediate);
      const use = await cache.use(keyOf(1));
      await pruning;
      const found = await cache.find(keyOf(1));
      if (found !== undefined) expect(await readdir(join(found, 'node_modules', 'a'))).toEqual(['index.js']);
      await use[Symbol.asyncDispose]();
    }
  });
});
