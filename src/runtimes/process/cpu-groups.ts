import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { messageOf } from '../../common/errors.ts';
import { ownerGone, ownerMark } from '../../common/process-owner.ts';
import type { HostCommand } from '../../packages/platforms/platform.ts';
import { type CpuPlace, cpuPlaces } from './cpu-places.ts';

/** A control group of one process tree. Disposing removes it, once everything in it is gone. */
export interface CpuGroup extends AsyncDisposable {
  /** Has a command start inside: whatever it starts is inside, too. */
  wrap(command: HostCommand): HostCommand;
}

/** Where process trees get control groups that limit their processor time. */
export interface CpuGroups {
  /** For the log: what is active, or why nothing is. */
  readonly active: string;
  /** A group for one tree; undefined when nothing is active. */
  open(): Promise<CpuGroup | undefined>;
}

export interface CpuGroupsParts {
  /** Cores, fractions allowed; no limit if absent. */
  readonly cpus?: number | undefined;
  /** Where to try; those of this process unless told. */
  readonly places?: readonly CpuPlace[] | undefined;
}

/** In which the kernel gives out shares of processor time, microseconds. */
const PERIOD_US = 100_000;
const PREFIX = 'selvage-';
/** What is ending may hold its group for a moment. */
const TRIES = 50;
const TRY_MS = 20;
/** Moves itself into the group that its name says, then becomes the command; without the group it does not run. */
const ENTER = `echo 0 > "$0/cgroup.procs" && exec "$@"`;

/**
 * Finds out where the peer may make control groups with a limit of processor time, by making one and running something in it: below
 * its own group, or beside that where a supervisor gave the peer a group to divide. Never rejects.
 */
export async function findCpuGroups({ cpus, places }: CpuGroupsParts): Promise<CpuGroups> {
  if (cpus === undefined) return none('as much as the peer');
  if (process.platform !== 'linux') return none('no limit: only on Linux');
  const reasons: string[] = [];
  for (const place of places ?? (await cpuPlaces())) {
    try {
      await using probe = await openGroup(place, cpus);
      const { file, args } = probe.wrap({ file: '/bin/true', args: [], env: {} });
      await promisify(execFile)(file, args, { timeout: 10_000, cwd: '/' });
    } catch (thrown) {
      reasons.push(`${place.directory}: ${messageOf(thrown).split('\n')[0]}`);
      continue;
    }
    return { active: `${cpus} of a core's time, by groups in ${place.directory}`, open: () => openGroup(place, cpus) };
  }
  return none(`no limit: ${reasons.length === 0 ? 'there is no cpu controller' : reasons.join('; ')}`);
}

/** Removes the groups that killed peers left, once their processes are gone. Never rejects. */
export async function removeOldCpuGroups(places?: readonly CpuPlace[]): Promise<void> {
  if (process.platform !== 'linux') return;
  for (const { directory } of places ?? (await cpuPlaces())) {
    const names = await readdir(directory).catch(() => []);
    const old = names.filter((name) => name.startsWith(PREFIX) && ownerGone(name.slice(PREFIX.length).split('-')[0] ?? ''));
    for (const name of old) await remove(join(directory, name)).catch(() => undefined);
  }
}

const none = (why: string): CpuGroups => ({ active: why, open: async () => undefined });

async function openGroup(place: CpuPlace, cpus: number): Promise<CpuGroup> {
  const path = join(place.directory, `${PREFIX}${ownerMark()}-${randomUUID()}`);
  await mkdir(path);
  try {
    await limit(place, path, Math.round(cpus * PERIOD_US));
  } catch (thrown) {
    await remove(path).catch(() => undefined);
    throw thrown;
  }
  return {
    wrap: ({ file, args, env }) => ({ file: '/bin/sh', args: ['-c', ENTER, path, file, ...args], env }),
    [Symbol.asyncDispose]: () => remove(path),
  };
}

async function limit({ version, directory }: CpuPlace, path: string, quota: number): Promise<void> {
  if (version === 1) {
    await writeFile(join(path, 'cpu.cfs_period_us'), String(PERIOD_US));
    await writeFile(join(path, 'cpu.cfs_quota_us'), String(quota));
    return;
  }
  const known = await readFile(join(path, 'cpu.max'), 'utf8').catch(() => undefined);
  if (known === undefined) await writeFile(join(directory, 'cgroup.subtree_control'), '+cpu'); // refused where processes are in it
  await writeFile(join(path, 'cpu.max'), `${quota} ${PERIOD_US}`);
}

async function remove(path: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await rmdir(path);
    } catch (thrown) {
      const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || tries === TRIES) throw thrown;
    }
    await delay(TRY_MS);
  }
}
