import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Listener } from '../../chaincode/ports/runtime.contract.ts';
import { silent } from '../../common/log.ts';
import { ownerMark } from '../../common/process-owner.ts';
import { packFolder } from '../../packages/archive/pack.ts';
import { NodePlatform } from '../../packages/platforms/node/node-platform.ts';
import { findControlGroups, removeOldControlGroups } from './control-groups.ts';
import { controlPlaces } from './control-places.ts';
import { ProcessRuntime } from './process-runtime.ts';

const never = new AbortController().signal;
const found = await findControlGroups({ cpus: 0.25 });
const [place] = await controlPlaces('cpu');
const here = found.active.cpu.startsWith('0.25');
const named = (name: string): string => (here ? name : `${name} (skipped: ${found.active.cpu})`);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-cpu-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** The groups of this process, by their path. */
async function groups(): Promise<readonly string[]> {
  const root = place?.directory ?? '';
  const names = await readdir(root).catch(() => []);
  return names.filter((name) => name.startsWith(`selvage-${ownerMark()}`)).map((name) => join(root, name));
}

/** Cores that a group may use. */
async function coresOf(group: string): Promise<number> {
  const number = async (file: string): Promise<number> => Number(await readFile(join(group, file), 'utf8'));
  if (place?.version === 1) return (await number('cpu.cfs_quota_us')) / (await number('cpu.cfs_period_us'));
  const [quota, period] = (await readFile(join(group, 'cpu.max'), 'utf8')).split(' ').map(Number);
  return (quota ?? 0) / (period ?? 1);
}

async function runtimeWith(cpus: number | undefined, logged: (fields: object) => void = () => undefined) {
  const sources = await mkdtemp(join(directory, 'sources-'));
  await writeFile(join(sources, 'package.json'), JSON.stringify({ name: 'cc', scripts: { start: 'node index.js' } }));
  const script = `
    const { spawn } = require('child_process');
    const child = spawn('sleep', ['1000'], { detached: true });
    const [host, port] = process.env.CORE_PEER_ADDRESS.split(':');
    require('net').connect(port, host, function () { this.write('up ' + process.pid + ' ' + child.pid + '\\n'); });
    setInterval(() => {}, 1e6);`;
  await writeFile(join(sources, 'index.js'), script);
  const runtime = new ProcessRuntime({
    directory: join(directory, 'runtime'),
    platforms: [new NodePlatform()],
    host: process.env,
    sandbox: 'off', // in one, process ids have another meaning
    limits: { cpus },
    log: { ...silent, info: (_, fields = {}) => logged(fields), child: () => silent },
  });
  const codePackage = await packFolder(sources, { skip: () => false });
  const spec = (peerAddress: string) => ({
    ...{ ccid: 'cc:1', name: 'cc', version: '1', platform: 'node', codePackage, path: '', peerAddress, env: {} },
  });
  return { runtime, spec };
}

describe('a limit of processor time', () => {
  it.skipIf(!here)(named('holds for the whole process tree, and its group goes with it'), async () => {
    await using listener = await Listener.open();
    const before = await groups();
    const { runtime, spec } = await runtimeWith(0.25);
    await using _ = runtime;
    const instance = await runtime.launch(spec(listener.address), { signal: never });
    const pids = (await listener.line('up')).split(' ').slice(1).map(Number);
    const [group = '', ...others] = (await groups()).filter((each) => !before.includes(each)); // the one that was tried is gone
    expect(others).toEqual([]);
    expect(await coresOf(group)).toBe(0.25);
    const inside = (await readFile(join(group, 'cgroup.procs'), 'utf8')).trim().split('\n').map(Number);
    expect(inside).toEqual(expect.arrayContaining(pids));
    const name = group.slice(group.lastIndexOf('/'));
    for (const pid of pids) expect(await readFile(`/proc/${pid}/cgroup`, 'utf8')).toContain(`${name}\n`);
    await instance[Symbol.asyncDispose]();
    expect(existsSync(group)).toBe(false);
  });

  it.skipIf(!here)(named('leaves nothing of a launch that was given up'), async () => {
    await using listener = await Listener.open();
    const before = await groups();
    const { runtime, spec } = await runtimeWith(1);
    for (let turns = 0; turns <= 40; turns += 8) {
      const caller = new AbortController();
      const launch = runtime.launch(spec(listener.address), caller).then(
        (instance) => instance[Symbol.asyncDispose](),
        () => undefined,
      );
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      caller.abort(new Error('left'));
      await launch;
    }
    await runtime[Symbol.asyncDispose]();
    expect(await groups()).toEqual(before);
  });

  it.skipIf(!here)(named('keeps what runs from more than its share'), async () => {
    const group = await found.open();
    const busy =
      'const from = process.cpuUsage(); const until = Date.now() + 1000; while (Date.now() < until); const { user, system } = process.cpuUsage(from); console.log((user + system) / 1e6);';
    const { file, args } = group?.wrap({ file: process.execPath, args: ['-e', busy], env: {} }) ?? { file: '', args: [] };
    const { stdout } = await promisify(execFile)(file, args);
    await group?.[Symbol.asyncDispose]();
    expect(Number(stdout)).toBeLessThan(0.6);
  });

  it.skipIf(!here)(named('is nothing that a killed peer leaves behind for ever'), async () => {
    const root = place?.directory ?? '';
    const [pid, , where] = ownerMark().split('.');
    const left = join(root, `selvage-${pid}.1.${where}-left`); // this process id, but started at another time
    const own = await found.open();
    await mkdir(left);
    try {
      await removeOldControlGroups();
      expect(existsSync(left)).toBe(false);
      expect(await groups()).not.toEqual([]);
    } finally {
      await rmdir(left).catch(() => undefined);
      await own?.[Symbol.asyncDispose]();
    }
  });

  it('is told in the log, or why there is none', async () => {
    const lines: object[] = [];
    for (const cpus of [undefined, 0.5]) {
      const { runtime } = await runtimeWith(cpus, (fields) => void lines.push(fields));
      await expect.poll(() => lines.length).toBe(cpus === undefined ? 1 : 2);
      await runtime[Symbol.asyncDispose]();
    }
    expect(lines[0]).toMatchObject({ cpu: process.platform === 'linux' ? 'as much as the peer' : expect.any(String) });
    expect(lines[1]).toMatchObject({ cpu: expect.stringMatching(/^(0\.5 of a core's time, by groups in |no limit: )/) });
  });

  it('is not there where no group can be made, and the reason is', async () => {
    if (process.platform !== 'linux') return;
    const nowhere = join(directory, 'no-such-folder');
    expect((await findControlGroups({ cpus: 1, places: async () => [{ directory: nowhere, version: 1 }] })).active.cpu).toMatch(
      new RegExp(`^no limit: ${nowhere}: ENOENT`),
    );
    expect((await findControlGroups({ cpus: 1, places: async () => [] })).active.cpu).toBe('no limit: there is no cpu controller');
  });

  it('is written as the second version wants it', async () => {
    if (process.platform !== 'linux') return;
    // A folder is no kernel: entering fails there, but what was written can be looked at.
    const { active, open } = await findControlGroups({ cpus: 1.5, places: async () => [{ directory, version: 2 }] });
    expect(active.cpu).toMatch(/^no limit: /);
    expect(await open()).toBeUndefined();
    expect(await readFile(join(directory, 'cgroup.subtree_control'), 'utf8')).toBe('+cpu');
    const [group = ''] = (await readdir(directory)).filter((name) => name.startsWith('selvage-'));
    expect(await readFile(join(directory, group, 'cpu.max'), 'utf8')).toBe('150000 100000');
  });
});
