import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hex } from '../common/bytes.ts';
import { SegmentFiles } from './blockstore/segment-files.ts';
import type { KvStore } from './kv/kv-store.ts';
import { LmdbStore } from './kv/lmdb-store.ts';
import { FolderLedgerProvider } from './ledger-provider.ts';
import { indexFindings } from './statedb/indexes/index-findings.ts';

const here = dirname(fileURLToPath(import.meta.url));
const script = join(here, '..', '..', 'test', 'ledger', 'commit-child.mjs');
const isBuilt = existsSync(join(here, '..', '..', 'dist', 'ledger', 'ledger-provider.js'));
const SEGMENT = 20_000;

interface Line {
  readonly opened?: number;
  readonly height?: number;
  readonly failed?: string;
  readonly found?: boolean;
}

/** The child's lines, in order; `undefined` after the last. */
class Child {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  readonly exited: Promise<void>;
  readonly #lines: AsyncIterator<string>;
  readonly #interface: Interface;

  constructor(command: readonly string[]) {
    const [file = '', ...args] = command;
    this.process = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.exited = new Promise((resolve) => this.process.once('close', () => resolve()));
    this.#interface = createInterface({ input: this.process.stdout });
    this.#lines = this.#interface[Symbol.asyncIterator]();
  }

  async next(): Promise<Line | undefined> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : (JSON.parse(value) as Line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
    this.#interface.close();
  }
}

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvage-crash-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const run = (options: object): string[] => [process.execPath, script, JSON.stringify({ root, segmentBytes: SEGMENT, ...options })];

async function content(folder: string): Promise<string[]> {
  await using kv: KvStore = new LmdbStore({ path: join(folder, 'state'), durability: 'overlapping' });
  using snapshot = kv.snapshot();
  using entries = snapshot.range({});
  const found: string[] = [];
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next())
    found.push(`${hex(entry.key)}=${hex(entry.value)}`);
  return found;
}

/** Opens the ledger, closes it, and compares everything in its store with one made from the block files alone. */
async function checkAgainstReplay(): Promise<number> {
  const folder = join(root, 'channels', 'channel');
  const height = await openedHeight(root);
  const other = await mkdtemp(join(tmpdir(), 'selvage-replay-'));
  try {
    await mkdir(join(other, 'channels', 'channel'), { recursive: true });
    await cp(join(folder, 'blocks'), join(other, 'channels', 'channel', 'blocks'), { recursive: true });
    expect(await openedHeight(other)).toBe(height);
    expect(await content(folder)).toEqual(await content(join(other, 'channels', 'channel')));
  } finally {
    await rm(other, { recursive: true, force: true });
  }
  return height;
}

async function openedHeight(at: string): Promise<number> {
  await using provider = await FolderLedgerProvider.open({ root: at, segmentBytes: SEGMENT });
  const ledger = await provider.open('channel');
  const { height } = ledger.blocks.info();
  for (let number = 0n; number < height; number += 1n) expect((await ledger.blocks.block(number))?.header?.number).toBe(number);
  return Number(height);
}

/** How many blocks the files hold, if they hold nothing else. */
async function wholeBlocks(): Promise<number> {
  await using files = await SegmentFiles.open({ directory: join(root, 'channels', 'channel', 'blocks') });
  let count = 0;
  let end = { file: 0, offset: 0 };
  for await (const { location } of files.records(end)) {
    count += 1;
    end = { file: location.file, offset: location.offset + location.length };
  }
  expect(files.end).toEqual(end);
  return count;
}

describe.skipIf(!isBuilt)('a ledger whose process is killed', () => {
  it('keeps every block it acknowledged, and a state that equals its blocks', async () => {
    let acknowledged = 0;
    for (let round = 0; round < 12; round += 1) {
      await using child = new Child(run({ mode: 'loop' }));
      const opened = await child.next();
      expect(opened?.opened).toBeGreaterThanOrEqual(acknowledged);
      const blocks = 1 + Math.floor(Math.random() * 8); // of which it hears, then at any moment of those that follow
      let killer: NodeJS.Timeout | undefined;
      for (let heard = 1, line = await child.next(); line !== undefined; heard += 1, line = await child.next()) {
        acknowledged = line.height ?? acknowledged;
        if (heard === blocks) killer = setTimeout(() => child.process.kill('SIGKILL'), Math.random() * 20);
      }
      clearTimeout(killer);
      await child.exited;
      expect(await checkAgainstReplay()).toBeGreaterThanOrEqual(acknowledged);
    }
    expect(acknowledged).toBeGreaterThan(12);
  });
});

const LIMITS = { total: 1000, internal: 100 };

/** What is wrong with the indexes, now and when all of them are built. */
async function indexProblems(): Promise<readonly string[]> {
  const path = join(root, 'channels', 'channel', 'state');
  const found = async (): Promise<readonly string[]> => {
    await using kv = new LmdbStore({ path, durability: 'overlapping' });
    using snapshot = kv.snapshot();
    return await indexFindings(snapshot);
  };
  const before = await found();
  {
    await using provider = await FolderLedgerProvider.open({ root, segmentBytes: SEGMENT, richQueries: { limits: LIMITS } });
    await (await provider.open('channel')).indexes?.built();
  }
  return [...before, ...(await found())];
}

describe.skipIf(!isBuilt)('indexes whose process is killed', () => {
  it('equal those of the state, whether they were being built or kept', async () => {
    const indexes = [['n'], ['owner', 'n'], ['n', 'text']];
    const options = { mode: 'loop', indexes, keys: 400, writesPerBlock: 40, valueBytes: 100, richQueries: { limits: LIMITS } };
    for (let round = 0; round < 4; round += 1) {
      await using child = new Child(run(options));
      const blocks = 2 + Math.floor(Math.random() * 8);
      let killer: NodeJS.Timeout | undefined;
      for (let heard = 1, line = await child.next(); line !== undefined; heard += 1, line = await child.next())
        if (heard === blocks) killer = setTimeout(() => child.process.kill('SIGKILL'), Math.random() * 20);
      clearTimeout(killer);
      await child.exited;
      expect(await indexProblems()).toEqual([]);
    }
  });
});

const prlimit = existsSync('/usr/bin/prlimit');

describe.skipIf(!isBuilt || !prlimit)('a ledger whose disk is full', () => {
  it.each([
    ['its block file', 'DISK_FULL', { valueBytes: 20_000, writesPerBlock: 1, keys: 2, segmentBytes: 64_000_000 }],
    // lmdb writes what fits and then speaks of an input/output error
    ['its state', 'LEDGER_UNAVAILABLE', { valueBytes: 20_000, writesPerBlock: 4 }],
  ])('takes the block back that did not fit into %s, and goes on when there is room', async (_, code, options) => {
    const limited = ['/usr/bin/prlimit', `--fsize=${600_000}:unlimited`, ...run({ mode: 'fill', ...options })];
    await using child = new Child(limited);
    expect((await child.next())?.opened).toBe(1);
    const failed = await child.next();
    expect(failed?.failed).toBe(code);
    expect(failed?.height).toBeGreaterThan(3);
    expect(await wholeBlocks()).toBe(failed?.height);
    await expect(FolderLedgerProvider.open({ root })).rejects.toMatchObject({
      code: 'FOLDER_IN_USE',
      details: { pid: child.process.pid },
    });
    const raise = spawn('/usr/bin/prlimit', ['--pid', String(child.process.pid), '--fsize=unlimited:unlimited'], { stdio: 'inherit' });
    await new Promise((resolve) => raise.once('close', resolve));
    child.process.stdin.write('go\n');
    expect(await child.next()).toEqual({ height: (failed?.height ?? 0) + 1, found: true });
    await child.exited;
    expect(await checkAgainstReplay()).toBe((failed?.height ?? 0) + 1);
  });
});
