import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { messageOf } from '../../common/errors.ts';
import { ownerGone, ownerMark } from '../../common/process-owner.ts';
import { Scope } from '../../common/scope.ts';
import type { HostCommand } from '../../packages/platforms/platform.ts';
import { type Controller, type ControlPlace, controlPlaces } from './control-places.ts';

/** The control groups of one process tree. Disposing removes them, once everything in them is gone. */
export interface ControlGroup extends AsyncDisposable {
  /** Has a command start inside: whatever it starts is inside, too, and does not get out. */
  wrap(command: HostCommand): HostCommand;
  /** All processes inside, however they call themselves. */
  processes(): Promise<readonly number[]>;
}

/** Where process trees get control groups that limit what they take. */
export interface ControlGroups {
  /** For the log: what is active, or why nothing is. */
  readonly active: { readonly cpu: string; readonly processes: string };
  /** Groups for one tree; undefined when nothing is active. */
  open(): Promise<ControlGroup | undefined>;
}

export interface ControlGroupsParts {
  /** Cores, fractions allowed; no limit if absent. */
  readonly cpus?: number | undefined;
  /** Processes and threads; no limit if absent. */
  readonly processes?: number | undefined;
  /** Where to try; those of this process unless told. */
  readonly places?: ((controller: Controller) => Promise<readonly ControlPlace[]>) | undefined;
}

/** A group to make: where, and what it limits. */
interface Plan {
  readonly place: ControlPlace;
  readonly limits: Limits;
}

type Limits = Readonly<Partial<Record<Controller, number>>>;

/** In which the kernel gives out shares of processor time, microseconds. */
const PERIOD_US = 100_000;
/** Of the name of every group. */
export const PREFIX = 'selvage-';
const CONTROLLERS = ['cpu', 'pids'] as const;
/** What is ending may hold its group for a moment. */
const TRIES = 50;
const TRY_MS = 20;
/** Moves itself into the group that its name says, then becomes the command; without the group it does not run. */
const ENTER = `echo 0 > "$0/cgroup.procs" && exec "$@"`;

/**
 * Finds out where the peer may make control groups with these limits, by making one and running something in it: below its own group,
 * or beside that where a supervisor gave the peer a group to divide. What cannot be limited leaves the rest limited. Never rejects.
 */
export async function findControlGroups({ cpus, processes, places = controlPlaces }: ControlGroupsParts): Promise<ControlGroups> {
  const wanted: Limits = { ...(cpus !== undefined && { cpu: cpus }), ...(processes !== undefined && { pids: processes }) };
  const names = CONTROLLERS.filter((name) => wanted[name] !== undefined);
  const reasons: Readonly<Record<Controller, string[]>> = { cpu: [], pids: [] };
  const plans: Plan[] = [];
  const known = new Map<Controller, readonly ControlPlace[]>();
  for (const name of names) known.set(name, process.platform === 'linux' ? await places(name) : []);
  for (const set of setsOf(names)) {
    if (set.some((name) => plans.some(({ limits }) => name in limits))) continue;
    for (const place of known.get(set[0] ?? 'cpu') ?? []) {
      if (set.length > 1 && place.version === 1) continue; // a hierarchy for each
      const plan = { place, limits: Object.fromEntries(set.map((name) => [name, wanted[name]])) };
      const failure = await tried(plan);
      if (failure === undefined) {
        plans.push(plan);
        break;
      }
      for (const name of set) if (set.length === 1) reasons[name].push(`${place.directory}: ${failure}`);
    }
  }
  const words = (name: Controller, active: (place: string) => string): string => {
    if (wanted[name] === undefined) return 'as much as the peer';
    const plan = plans.find(({ limits }) => name in limits);
    if (plan !== undefined) return active(plan.place.directory);
    if (process.platform !== 'linux') return 'no limit: only on Linux';
    return `no limit: ${reasons[name].length === 0 ? `there is no ${name} controller` : reasons[name].join('; ')}`;
  };
  return {
    active: {
      cpu: words('cpu', (place) => `${cpus} of a core's time, by groups in ${place}`),
      processes: words('pids', (place) => `${processes} processes and threads, by groups in ${place}`),
    },
    open: async () => (plans.length === 0 ? undefined : openAll(plans)),
  };
}

/** All of them in one group, then each in its own. */
const setsOf = (names: readonly Controller[]): readonly (readonly Controller[])[] =>
  names.length > 1 ? [names, ...names.map((name) => [name])] : [names].filter(({ length }) => length > 0);

/** @returns why it cannot be made or entered */
async function tried(plan: Plan): Promise<string | undefined> {
  try {
    await using probe = await openAll([plan]);
    const { file, args } = probe.wrap({ file: '/bin/true', args: [], env: {} });
    await promisify(execFile)(file, args, { timeout: 10_000, cwd: '/' });
    return undefined;
  } catch (thrown) {
    return messageOf(thrown).split('\n')[0] ?? '';
  }
}

/** Ends what is in the groups that killed peers left, however it calls itself, and removes them. Never rejects. */
export async function removeOldControlGroups(): Promise<void> {
  if (process.platform !== 'linux') return;
  const places = (await Promise.all(CONTROLLERS.map(controlPlaces))).flat();
  for (const directory of new Set(places.map((place) => place.directory))) {
    const names = await readdir(directory).catch(() => []);
    const old = names.filter((name) => name.startsWith(PREFIX) && ownerGone(name.slice(PREFIX.length).split('-')[0] ?? ''));
    for (const name of old) {
      for (const pid of await inside(join(directory, name))) killed(pid);
      await remove(join(directory, name)).catch(() => undefined);
    }
  }
}

async function openAll(plans: readonly Plan[]): Promise<ControlGroup> {
  await using scope = new Scope();
  const paths: string[] = [];
  for (const { place, limits } of plans) {
    const path = join(place.directory, `${PREFIX}${ownerMark()}-${randomUUID()}`);
    await mkdir(path);
    scope.defer(() => remove(path));
    await limit(place, path, limits);
    paths.push(path);
  }
  const owned = scope.move();
  return {
    wrap: (command) =>
      paths.reduce(({ file, args, env }, path) => ({ file: '/bin/sh', args: ['-c', ENTER, path, file, ...args], env }), command),
    processes: async () => [...new Set((await Promise.all(paths.map(inside))).flat())],
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** Process ids. */
async function inside(path: string): Promise<readonly number[]> {
  const list = await readFile(join(path, 'cgroup.procs'), 'utf8').catch(() => '');
  return list
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0); // 0 stands for those of another namespace
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended, or is in no namespace of ours
  }
}

async function limit({ version, directory }: ControlPlace, path: string, { cpu, pids }: Limits): Promise<void> {
  if (version === 2) await delegated(directory, path, [...(cpu === undefined ? [] : ['cpu']), ...(pids === undefined ? [] : ['pids'])]);
  if (pids !== undefined) await writeFile(join(path, 'pids.max'), String(pids));
  if (cpu === undefined) return;
  const quota = Math.round(cpu * PERIOD_US);
  if (version === 2) return writeFile(join(path, 'cpu.max'), `${quota} ${PERIOD_US}`);
  await writeFile(join(path, 'cpu.cfs_period_us'), String(PERIOD_US));
  await writeFile(join(path, 'cpu.cfs_quota_us'), String(quota));
}

/** Has groups below a folder limit these; refused where processes are in it. */
async function delegated(directory: string, path: string, names: readonly string[]): Promise<void> {
  const missing = await Promise.all(names.map(async (name) => ((await isThere(join(path, `${name}.max`))) ? [] : [`+${name}`])));
  const asked = missing.flat();
  if (asked.length > 0) await writeFile(join(directory, 'cgroup.subtree_control'), asked.join(' '));
}

const isThere = (file: string): Promise<boolean> =>
  readFile(file).then(
    () => true,
    () => false,
  );

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
