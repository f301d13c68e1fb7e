import { readdir, readFile } from 'node:fs/promises';

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

interface Member {
  readonly pid: number;
  /** The program's name, as the system shortens it. */
  readonly command: string;
}

/** Linux: by control group, by group id, or by the mark in the environment, which only our own user's processes show. */
async function members({ groupId, variable, inside }: TreeMark): Promise<readonly Member[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const known = new Set((await inside?.())?.map(String));
  const found = await Promise.all(pids.map((pid) => member(pid, { groupId, variable, known: known.has(pid) })));
  return found.filter((each) => each !== undefined);
}

async function member(
  pid: string,
  { groupId, variable, known }: { readonly groupId: number; readonly variable: string; readonly known: boolean },
): Promise<Member | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  if (stat === undefined) return undefined;
  // After the command, which may itself contain brackets: state, parent, group.
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return undefined;
  const found: Member = { pid: Number(pid), command: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')) };
  if (known || Number(group) === groupId) return found;
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return `\0${environment}`.includes(`\0${variable}\0`) ? found : undefined;
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
