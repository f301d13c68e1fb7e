import { readdir, readFile } from 'node:fs/promises';

/** How a process tree is recognised: its group, and a variable that descendants inherit even when they leave the group. */
export interface TreeMark {
  readonly groupId: number;
  /** `NAME=value` in the environment of every process of the tree. */
  readonly variable: string;
}

/**
 * Whether any process of the tree still runs. Zombies do not count: where nobody reaps them, as in a container without an init
 * process, they stay for ever.
 */
export async function isAlive(mark: TreeMark): Promise<boolean> {
  if (process.platform === 'linux') return (await members(mark)).length > 0;
  return signalGroup(mark.groupId, 0);
}

/** Signals every process of the tree that there is now. */
export async function signalTree(mark: TreeMark, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (process.platform !== 'linux') {
    signalGroup(mark.groupId, signal);
    return;
  }
  for (const pid of await members(mark)) send(pid, signal);
}

/** Linux: by group id, or by the mark in the environment, which only our own user's processes show. */
async function members({ groupId, variable }: TreeMark): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => belongs(pid, groupId, variable)));
  return pids.filter((_, at) => found[at]).map(Number);
}

async function belongs(pid: string, groupId: number, variable: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  if (stat === undefined) return false;
  // After the command, which may itself contain brackets: state, parent, group.
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return false;
  if (Number(group) === groupId) return true;
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return `\0${environment}`.includes(`\0${variable}\0`);
}

/** Whether the group had a process to signal. macOS answers EPERM for a group of zombies. */
function signalGroup(groupId: number, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean {
  return send(process.platform === 'win32' ? groupId : -groupId, signal);
}

function send(target: number, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    return false; // gone, or never ours
  }
}
