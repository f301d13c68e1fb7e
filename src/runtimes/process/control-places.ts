import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What control groups can limit here, as the kernel calls it. */
export type Controller = 'cpu' | 'pids';

/** A control group that others could be made below, to limit something. */
export interface ControlPlace {
  readonly directory: string;
  /** Of the kernel's interface. */
  readonly version: 1 | 2;
}

/**
 * Where this process could make control groups: below its own, and with the second version also beside it, as that version limits
 * nothing below a group that has processes itself. Whether it may is for the caller to try.
 */
export async function controlPlaces(controller: Controller): Promise<readonly ControlPlace[]> {
  const [mounts, groups] = await Promise.all(['mountinfo', 'cgroup'].map((name) => readFile(`/proc/self/${name}`, 'utf8').catch(() => '')));
  return placesIn(mounts ?? '', groups ?? '', controller);
}

/**
 * @param mounts `/proc/self/mountinfo`
 * @param groups `/proc/self/cgroup`
 */
export function placesIn(mounts: string, groups: string, controller: Controller): readonly ControlPlace[] {
  const mounted = mounts.split('\n').flatMap(mountOf);
  const own = groups.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line) ?? []);
  const first = own.find(([, , controllers = '']) => controllers.split(',').includes(controller))?.[3];
  const second = own.find(([, id, controllers]) => id === '0' && controllers === '')?.[3];
  const v1 = mounted.find(({ type, options }) => type === 'cgroup' && options.includes(controller));
  const v2 = mounted.find(({ type }) => type === 'cgroup2');
  if (v1 !== undefined && first !== undefined) return [{ directory: below(v1, first), version: 1 }];
  if (v2 === undefined || second === undefined) return [];
  const directory = below(v2, second);
  const parent = directory === v2.point ? [] : [dirname(directory)];
  return [directory, ...parent].map((place) => ({ directory: place, version: 2 }));
}

interface Mount {
  /** The part of the hierarchy that is mounted. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** `31 23 0:28 ROOT POINT rw shared:1 - TYPE SOURCE OPTIONS` */
function mountOf(line: string): Mount[] {
  const [before = '', after] = line.split(' - ');
  const [, , , root, point] = before.split(' ');
  const [type = '', , options = ''] = after?.split(' ') ?? [];
  return root === undefined || point === undefined ? [] : [{ root, point, type, options: options.split(',') }];
}

/** A container sees its own part of the hierarchy only, though its group is named from the top. */
function below({ root, point }: Mount, group: string): string {
  const inside = root === '/' ? group : group.startsWith(`${root}/`) ? group.slice(root.length) : '/';
  return inside === '/' ? point : join(point, inside);
}
