import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Names this process in a way that outlives it: by its id, when it was started, and where its id means something. A process id
 * alone comes back: after a restart in a container the peer has the one it had before.
 */
export function ownerMark(): string {
  if (process.platform !== 'linux') return String(process.pid);
  return `${process.pid}.${startTime('self')}.${namespace()}`;
}

/** Whether the process that gave itself this mark is gone. Of one in another container nobody knows that from here: false. */
export function ownerGone(mark: string): boolean {
  const [pid = '', started, where] = mark.split('.');
  if (!/^[1-9]\d*$/.test(pid)) return false;
  if (started === undefined || process.platform !== 'linux') return !runs(Number(pid));
  return where === namespace() && startTime(pid) !== started;
}

/** In ticks since the machine was started; undefined when no such process runs. */
function startTime(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // after the command, which may itself contain brackets
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

const namespace = (): string => readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
}
