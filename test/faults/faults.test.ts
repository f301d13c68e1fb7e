import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/common/bytes.ts';
import { BlockIndex } from '../../src/ledger/blockstore/block-index.ts';
import { LmdbStore } from '../../src/ledger/kv/lmdb-store.ts';
import { FolderLedgerProvider } from '../../src/ledger/ledger-provider.ts';
import { FOR_EVER } from '../../src/ledger/pvtdata/expiry.ts';
import { privateNamespace } from '../../src/ledger/simulator/private-namespaces.ts';
import { verifyLedger } from '../../src/ledger/verify/verify-ledger.ts';
import { devFolders, makeMaterial } from '../../src/node/dev/dev-material.ts';
import { planNetwork } from '../../src/node/dev/dev-plan.ts';
import { common } from '../../src/protos/messages.ts';
import { runs } from '../runs.ts';
import { type Change, changesIn, Disk, type Survives } from './disk.ts';

const here = dirname(fileURLToPath(import.meta.url));
const hasCompiler = process.platform === 'linux' && spawnSync('gcc', ['--version']).status === 0;
const isBuilt = existsSync(join(here, '..', '..', 'dist', 'ledger', 'ledger-provider.js'));
/** Every one in `npm run test:long`, else one of so many: material takes long to make. */
const stepOf = (mode: Mode): number => (runs(1) > 1 ? 1 : mode === 'material' ? 40 : 9);

type Mode = 'ledger' | 'packages' | 'material';

interface Told {
  readonly acknowledged: number;
  readonly failures: readonly string[];
  readonly failed?: string;
}

let folder: string;
let library: string;
let next = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-faults-'));
  library = join(folder, 'faults.so');
  if (hasCompiler)
    expect(spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, join(here, 'faults.c'), '-ldl', '-lpthread']).status).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function freshFolder(): Promise<string> {
  next += 1;
  const fresh = join(folder, String(next));
  await mkdir(fresh);
  return fresh;
}

/** Runs a scenario to its end. @returns what it said; undefined when it ended otherwise */
async function run(root: string, mode: Mode, faults: Record<string, string> = {}): Promise<Told | undefined> {
  const child = spawn(process.execPath, [join(here, 'child.mjs'), JSON.stringify({ root, mode })], {
    env: { ...process.env, LD_PRELOAD: library, FAULTS_ROOT: root, ...faults },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return text === '' ? undefined : (JSON.parse(text) as Told);
}

async function logged(mode: Mode): Promise<{ readonly changes: readonly Change[]; readonly root: number }> {
  const [root, log] = [await freshFolder(), join(folder, `log-${next}`)];
  const before = await stat(root);
  expect(await run(root, mode, { FAULTS_LOG: log })).toMatchObject({ failures: [] });
  return { changes: changesIn(await readFile(log)), root: before.ino };
}

/** A ledger opens, has at least the blocks that were acknowledged, and everything in it follows from them. */
async function checkLedger(root: string, acknowledged: number): Promise<void> {
  const channel = join(root, 'channels', 'channel');
  {
    await using provider = await FolderLedgerProvider.open({ root, segmentBytes: 2_000 });
    if (acknowledged === 0 && !provider.list().includes('channel')) return;
    const ledger = await provider.open('channel');
    const { height } = ledger.blocks.info();
    expect(Number(height)).toBeGreaterThanOrEqual(acknowledged);
    for (let number = 0n; number < height; number += 1n) expect((await ledger.blocks.block(number))?.header?.number).toBe(number);
    using snapshot = ledger.snapshot();
    const secret = await snapshot.get(privateNamespace('cc', 'secrets'), `key ${(height - 1n) % 2n}`);
    if (height > 1n) expect(Buffer.from(secret?.value ?? []).toString()).toBe(`secret ${height - 1n}`);
  }
  const { findings } = await verifyLedger({
    folder: channel,
    release: '2.x',
    lifetimes: FOR_EVER,
    state: true,
    checkBlock: async () => undefined,
  });
  expect(findings).toEqual([]);
}

/** The state is whole as it lies there, with no help from the blocks, and not far behind them: the next start only catches up. */
async function checkStore(root: string, acknowledged: number): Promise<void> {
  await using kv = new LmdbStore({ path: join(root, 'channels', 'channel', 'state'), durability: 'overlapping' });
  using snapshot = kv.snapshot();
  using entries = snapshot.range({});
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) expect(entry.key.length).toBeGreaterThan(0);
  const checkpoint = await new BlockIndex({ kv, duplicates: 'first' }).checkpoint();
  expect(Number(checkpoint?.height ?? 0n)).toBeGreaterThanOrEqual(acknowledged - 2);
}

/** Each package that was acknowledged is whole, others are whole or absent. */
async function checkPackages(root: string, acknowledged: number): Promise<void> {
  const packages = join(root, 'lifecycle', 'chaincodes');
  const names = existsSync(packages) ? (await readdir(packages)).filter((name) => !name.startsWith('.')) : [];
  expect(names.length).toBeGreaterThanOrEqual(acknowledged);
  for (const name of names) expect((await readFile(join(packages, name))).toString()).toBe((name[2] ?? '').repeat(5_000));
  const settings = join(root, 'lifecycle', 'settings');
  if (existsSync(settings)) expect((await readFile(settings)).toString()).toBe('new settings');
}

/** The next start makes the material or goes on with it. */
async function checkMaterial(root: string): Promise<void> {
  const plan = await planNetwork(root, { channel: 'mychannel', orgs: 1, tls: true, portBase: 0, block: 'instant' });
  const folders = devFolders(root, plan);
  const made = async (): Promise<string> =>
    (await makeMaterial(folders, plan, new Date())).map((block) => hex(common.Block.encode(block))).join();
  expect(await made()).toBe(await made());
  const files = await readdir(folders.organizations, { recursive: true, withFileTypes: true });
  for (const file of files) if (file.isFile()) expect((await stat(join(file.parentPath, file.name))).size, file.name).toBeGreaterThan(0);
  expect((await readdir(root)).filter((name) => name.startsWith('.'))).toEqual([]);
}

const CHECKS: Readonly<Record<Mode, (root: string, acknowledged: number) => Promise<void>>> = {
  ledger: checkLedger,
  packages: checkPackages,
  material: checkMaterial,
};
const MODES: readonly Mode[] = ['ledger', 'packages', 'material'];

/** A store's first pages: where they cannot be written, lmdb 3.5.6 ends the process; that there is room for them is looked at before. */
const isFirstPages = (change: Change | undefined): boolean =>
  change?.kind === 'write' && change.offset === 0 && change.bytes.length === 8_192;

describe.skipIf(!hasCompiler || !isBuilt)('a disk that fails', () => {
  it.each(MODES)('at any one change leaves nothing torn, and what was said to be done is (%s)', { timeout: 3_600_000 }, async (mode) => {
    const { changes } = await logged(mode);
    const count = Math.max(...changes.map(({ number }) => number));
    const firstPages = new Set(changes.filter(isFirstPages).map(({ number }) => number));
    for (const errno of ['5', '28']) // EIO, ENOSPC
      for (let number = 1 + (Number(errno) % stepOf(mode)); number <= count; number += stepOf(mode)) {
        const root = await freshFolder();
        const told = await run(root, mode, { FAULTS_FAIL: String(number), FAULTS_ERRNO: errno });
        if (!firstPages.has(number)) expect(told, `change ${number} of ${count} with ${errno}`).toBeDefined();
        await CHECKS[mode](root, told?.acknowledged ?? 0);
        await rm(root, { recursive: true });
      }
  });
});

const NOTHING: Survives = () => false;
const EVERYTHING: Survives = () => true;
/** A part that differs from change to change and is the same in every run. */
const partly =
  (seed: number): Survives =>
  ({ inode, parent, offset, bytes }) =>
    ((inode + parent * 31 + offset * 7 + bytes.length * 13 + seed * 2_654_435_761) >>> 3) % 2 === 0;

describe.skipIf(!hasCompiler || !isBuilt)('a power cut', () => {
  it.each(MODES)('before or after any sync leaves nothing torn, and what was acknowledged (%s)', { timeout: 3_600_000 }, async (mode) => {
    const { changes, root: inode } = await logged(mode);
    const disk = new Disk(inode);
    let [acknowledged, points] = [0, 0];
    for (const change of changes) {
      const isSync = change.kind === 'sync' || change.kind === 'dsync';
      if (isSync) await cut(change);
      if (change.kind === 'ack') acknowledged = change.offset;
      else disk.apply(change);
      if (isSync || change.kind === 'ack') await cut(change);
    }
    expect(points).toBeGreaterThan(10);

    async function cut(change: Change): Promise<void> {
      points += 1;
      if (points % stepOf(mode) !== 0) return;
      for (const survives of [NOTHING, EVERYTHING, partly(1), partly(2)]) {
        const root = await freshFolder();
        await disk.writeTo(root, survives);
        if (mode === 'ledger' && acknowledged > 0) await checkStore(root, acknowledged);
        await CHECKS[mode](root, acknowledged).catch((cause: unknown) => {
          throw new Error(`after a cut at point ${points}, at a ${change.kind} with ${acknowledged} acknowledged, in ${root}`, { cause });
        });
        await rm(root, { recursive: true });
      }
    }
  });
});
