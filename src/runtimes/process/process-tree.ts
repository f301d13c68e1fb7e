import { readdir, readFile } from 'node:fs/promises';
import { SharedLook } from './shared-look.ts';

/** How a process tree is recognised: its group, and a variable that descendants inherit even when they leave the group. */
export interface TreeMark {
  readonly groupId: number;
  /** `NAME=value` in the environment of every process of the tree. */
  readonly variable: string;
  /** Who else belongs to it, whatever it has left or hidden: what is in its control group, where it has one. */
  readonly inside?: (() => Promise<readonly number[]>) | undefined;
}

/**
 * Whether any process of the tree still runs. Zombies do not count: where nobody reaps them, as in a container without an init
 * process, they stay for ever.
 */
export async function isAlive(mark: TreeMark): Promise<boolean> {
  if (process.platform === 'linux') return (await members(mark)).length > 0;
  return signalGroup(mark.groupId, 0);
}

/**
 * Signals every process of the tree that there is now. A sandbox is not asked to end, nor a shell in it that may be the first
 * process there: they would take the chaincode with them at once, and they end by themselves when the chaincode has.
 */
export async function signalTree(mark: TreeMark, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (process.platform !== 'linux') {
    signalGroup(mark.groupId, signal);
    return;
  }
  const all = await members(mark);
  const around = all.some(({ command }) => command === 'bwrap') ? ['bwrap', 'sh'] : [];
  for (const { pid, command } of all) if (signal === 'SIGKILL' || !around.includes(command)) send(pid, signal);
}

/** The processes of the tree that there are now; none where the system has no list of them. Linux only. */
export const processesOf = async (mark: TreeMark): Promise<readonly number[]> =>
  process.platform === 'linux' ? (await members(mark)).map(({ pid }) => pid) : [];

interface Listed {
  readonly pid: number;
  /** The program's name, as the system shortens it. */
  readonly command: string;
  readonly group: number;
  /** Its environment as the system shows it, with a NUL before each variable; that of processes of other users is hidden. */
  readonly environment: string;
}

/** By control group, by group id, or by the mark in the environment. */
async function members({ groupId, variable, inside }: TreeMark): Promise<readonly Listed[]> {
  const [listed, within] = await Promise.all([processList.now(), inside?.()]);
  const known = new Set(within);
  return listed.filter(({ pid, group, environment }) => known.has(pid) || group === groupId || environment.includes(`\0${variable}\0`));
}

/** Many trees end at once where a peer stops, and each look reads two files of every process of the machine. */
const processList = new SharedLook(async (): Promise<readonly Listed[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return (await Promise.all(pids.map(listed))).filter((each) => each !== undefined);
});

/** Undefined for a process that is gone, or a zombie. */
async function listed(pid: string): Promise<Listed | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  if (stat === undefined) return undefined;
  // After the command, which may itself contain brackets: state, parent, group.
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return undefined;
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  return { pid: Number(pid), command, group: Number(group), environment: `\0${environment}` };
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
