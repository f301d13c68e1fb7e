/** What processes used, from Linux' /proc; NaN where there is none or the process is not ours to look at. */
import { readdirSync, readFileSync } from 'node:fs';

const MS_PER_TICK = 10; // USER_HZ is 100 on every Linux that Node runs on

/** Fields of /proc/PID/stat after the command's name, which may hold spaces. */
function statOf(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** CPU time so far in milliseconds, all threads, user and system. */
export function cpuMs(pid: number | undefined): number {
  if (pid === undefined) return Number.NaN;
  const stat = statOf(pid);
  return (Number(stat[11] ?? Number.NaN) + Number(stat[12] ?? Number.NaN)) * MS_PER_TICK;
}

/** Resident memory in MiB. */
export function residentMiB(pid: number | undefined): number {
  if (pid === undefined) return Number.NaN;
  try {
    const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib ?? Number.NaN) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** The process that runs chaincode for a peer: its youngest descendant; undefined when there is none. */
export function youngestDescendant(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  const parents = new Map(allProcesses().map((each) => [each, Number(statOf(each)[1])]));
  const isBelow = (each: number): boolean => {
    const parent = parents.get(each);
    return parent !== undefined && (parent === pid || isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow).sort((a, b) => b - a)[0];
}

function allProcesses(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}
