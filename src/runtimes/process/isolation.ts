import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism, release } from 'node:os';
import { promisify } from 'node:util';
import { SelvageError } from '../../common/errors.ts';
import type { HostCommand } from '../../packages/platforms/platform.ts';
import { findTool } from '../../packages/platforms/tools.ts';
import type { HostEnvironment } from './environment.ts';
import { emptyCaches, findOverlays, overlaid } from './private-caches.ts';
import { type Reach, sandboxArguments } from './sandbox.ts';

/** What one chaincode may take of the machine; absent: as much as the peer. */
export interface ResourceLimits {
  /** Private writable memory of a process (`RLIMIT_DATA`). What is only reserved does not count. */
  readonly memoryBytes?: number | undefined;
  readonly openFiles?: number | undefined;
  /** Processor time of a whole process tree, in cores; fractions allowed. See control-groups.ts. */
  readonly cpus?: number | undefined;
  /** Processes and threads of a whole process tree. See control-groups.ts, and {@link Isolation} for where there are no control groups. */
  readonly processes?: number | undefined;
}

/** Enough for a JVM, which starts threads by the number of cores, and too few to trouble the machine. */
export const DEFAULT_PROCESSES = 128 + 8 * availableParallelism();

/** `auto`: a sandbox where `bwrap` is there and works; `required`: no chaincode without one. */
export type SandboxChoice = 'off' | 'auto' | 'required';

/** What a build reaches. */
export interface BuildReach extends Reach {
  /** Caches of the user's tools: read as they are; what the build writes there goes to `folder` and away with it. */
  readonly caches: readonly string[];
  /** Of the build alone. */
  readonly folder: string;
}

export interface IsolationParts {
  readonly host: HostEnvironment;
  readonly limits: ResourceLimits;
  readonly sandbox: SandboxChoice;
  /** Files and folders that chaincode and its builds must not see, whatever they lie in: keys, ledgers, private data. */
  readonly hidden?: readonly string[] | undefined;
  /** Where builds work. Without it no build is confined. */
  readonly buildFolder?: string | undefined;
  /** Whether builds write to the user's caches, so that each trusts those before it. */
  readonly shareCaches?: boolean | undefined;
}

/** What separates a chaincode process from the peer, beside its group, folder and environment. */
export interface Isolation {
  /** For the log: what is active, and of what is not, why. */
  readonly active: Readonly<Record<string, string>>;
  readonly wrap: (command: HostCommand, reach: Reach) => HostCommand;
  /** The same for a build: the sandbox, without the limits. */
  readonly confine: (command: HostCommand, reach: BuildReach) => Promise<HostCommand>;
}

/**
 * Finds out what this machine allows, by trying it.
 * @throws {SelvageError} `CHAINCODE_LAUNCH_FAILED` when a sandbox is required and there is none
 */
export async function findIsolation(parts: IsolationParts): Promise<Isolation> {
  const { host, limits, sandbox, hidden = [] } = parts;
  if (process.platform !== 'linux') return unlimited(sandbox);
  const prlimit = await prefixThatWorks('prlimit', await limitArguments(limits), host);
  const bwrap = sandbox === 'off' ? 'off' : await prefixThatWorks('bwrap', sandboxArguments(NOTHING), host);
  if (sandbox === 'required' && typeof bwrap === 'string') throw noSandbox(bwrap);
  const setpriv = await prefixThatWorks('setpriv', ['--no-new-privs'], host);
  const counted = typeof bwrap === 'string' || typeof prlimit === 'string' ? [] : processLimit(prlimit[0] ?? '', limits);
  const wrap = (command: HostCommand, reach: Reach): HostCommand => {
    const outer = typeof prlimit === 'string' ? [] : prlimit;
    const inner =
      typeof bwrap !== 'string'
        ? [bwrap[0] ?? '', ...sandboxArguments(reach, hidden), ...counted]
        : typeof setpriv === 'string'
          ? []
          : setpriv;
    const [file = command.file, ...before] = [...outer, ...inner, command.file];
    return { ...command, file, args: [...before, ...command.args] };
  };
  const caches = typeof bwrap === 'string' ? undefined : await cachesFor(parts);
  const active = {
    limits: typeof prlimit === 'string' ? `none: ${prlimit}` : limitsInWords(limits),
    newPrivileges: typeof bwrap !== 'string' || typeof setpriv !== 'string' ? 'refused' : `possible: ${setpriv}`,
    sandbox: typeof bwrap === 'string' ? `none: ${bwrap}` : 'bwrap: read-only files, own processes, the network of the peer',
    ...(caches && { buildCaches: caches.words }),
  };
  const confine = async (command: HostCommand, reach: BuildReach): Promise<HostCommand> =>
    typeof bwrap === 'string' || caches === undefined ? command : caches.confine(bwrap[0] ?? '', command, reach, hidden);
  return { active, wrap, confine };
}

const NOTHING: Reach = { reads: [], own: [], writes: [] };

/** How builds have the caches of the user's tools. */
interface CachesOfBuilds {
  readonly words: string;
  readonly confine: (bwrap: string, command: HostCommand, reach: BuildReach, hidden: readonly string[]) => Promise<HostCommand>;
}

const inSandbox = (
  bwrap: string,
  command: HostCommand,
  reach: Reach,
  hidden: readonly string[],
  more: readonly string[] = [],
): HostCommand => ({
  ...command,
  file: bwrap,
  args: [...sandboxArguments(reach, hidden), ...more, command.file, ...command.args],
});

async function cachesFor({ host, buildFolder, shareCaches = false }: IsolationParts): Promise<CachesOfBuilds | undefined> {
  if (buildFolder === undefined) return undefined;
  if (shareCaches) {
    return {
      words: 'the user’s own, which builds fill',
      confine: async (bwrap, command, reach, hidden) =>
        inSandbox(bwrap, command, { ...reach, writes: [...reach.caches, ...reach.writes] }, hidden),
    };
  }
  const overlays = await findOverlays(buildFolder, host);
  if ('missing' in overlays) {
    return {
      words: `empty for each build, as the user’s own cannot be had read-only (${overlays.missing})`,
      confine: async (bwrap, command, reach, hidden) => inSandbox(bwrap, command, reach, hidden, await emptyCaches(reach)),
    };
  }
  return {
    words: 'the user’s own, read-only; what a build adds goes with it',
    confine: async (bwrap, command, reach, hidden) => {
      const asUser = ['--uid', String(process.getuid?.() ?? 0), '--gid', String(process.getgid?.() ?? 0)];
      const confined = inSandbox(bwrap, command, { ...reach, writes: [...reach.caches, ...reach.writes] }, hidden, asUser);
      return overlaid(confined, reach, overlays);
    },
  };
}

/** A wrapping command with its arguments, or why it cannot be used. */
async function prefixThatWorks(name: string, args: readonly string[], host: HostEnvironment): Promise<readonly string[] | string> {
  const tool = await findTool(name, host, ['/usr/bin', '/bin', '/usr/sbin']);
  if (tool === undefined) return `there is no ${name}`;
  try {
    await promisify(execFile)(tool, [...args, '/bin/true'], { timeout: 10_000, cwd: '/' });
    return [tool, ...args];
  } catch (thrown) {
    const said = typeof thrown === 'object' && thrown !== null && 'stderr' in thrown ? String(thrown.stderr).trim() : '';
    return `${name} does not work here${said === '' ? '' : ` (${said.split('\n')[0]})`}`;
  }
}

/** A limit above the peer's own cannot be set, and need not be. */
async function limitArguments({ memoryBytes, openFiles }: ResourceLimits): Promise<readonly string[]> {
  const files = openFiles === undefined ? [] : [`--nofile=${Math.min(openFiles, await ownLimit('Max open files'))}`];
  const memory = memoryBytes === undefined ? [] : [`--data=${Math.min(memoryBytes, await ownLimit('Max data size'))}`];
  return ['--core=0', ...files, ...memory];
}

/**
 * Inside the sandbox: its user namespace is counted by itself since Linux 5.14, but for the superuser, who has no such limit. Elsewhere
 * the limit would count all that the user runs, the peer included.
 */
function processLimit(prlimit: string, { processes }: ResourceLimits): readonly string[] {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const counts = process.getuid?.() !== 0 && (major > 5 || (major === 5 && minor >= 14));
  return processes !== undefined && counts ? [prlimit, `--nproc=${processes}`] : [];
}

/** The hard limit of this process. */
async function ownLimit(name: string): Promise<number> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const [, hard] = new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, 'm').exec(text) ?? [];
  return hard === undefined || hard === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(hard);
}

const limitsInWords = ({ memoryBytes, openFiles }: ResourceLimits): string =>
  [
    memoryBytes === undefined ? 'memory as the peer' : `${Math.round(memoryBytes / 1024 / 1024)} MiB of memory`,
    openFiles === undefined ? 'open files as the peer' : `${openFiles} open files`,
    'no core dumps',
  ].join(', ');

function unlimited(sandbox: SandboxChoice): Isolation {
  if (sandbox === 'required') throw noSandbox('only Linux has one');
  return {
    active: { limits: 'none: only on Linux', newPrivileges: 'possible', sandbox: 'none: only on Linux' },
    wrap: (command) => command,
    confine: async (command) => command,
  };
}

const noSandbox = (why: string): SelvageError =>
  new SelvageError('CHAINCODE_LAUNCH_FAILED', `chaincode must run in a sandbox, and this machine has none: ${why}`, {
    advice: 'Install bubblewrap and allow unprivileged user namespaces, or let the peer run chaincode without a sandbox.',
  });
