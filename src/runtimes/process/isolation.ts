import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { SelvageError } from '../../common/errors.ts';
import type { HostCommand } from '../../packages/platforms/platform.ts';
import { findTool } from '../../packages/platforms/tools.ts';
import type { HostEnvironment } from './environment.ts';

/** What one chaincode may take of the machine; absent: as much as the peer. */
export interface ResourceLimits {
  /** Private writable memory of a process (`RLIMIT_DATA`). What is only reserved does not count. */
  readonly memoryBytes?: number | undefined;
  readonly openFiles?: number | undefined;
  /** Processor time of a whole process tree, in cores; fractions allowed. See cpu-groups.ts. */
  readonly cpus?: number | undefined;
}

/** `auto`: a sandbox where `bwrap` is there and works; `required`: no chaincode without one. */
export type SandboxChoice = 'off' | 'auto' | 'required';

/** Folders that a process needs beside the system's own. */
export interface Reach {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

export interface IsolationParts {
  readonly host: HostEnvironment;
  readonly limits: ResourceLimits;
  readonly sandbox: SandboxChoice;
}

/** What separates a chaincode process from the peer, beside its group, folder and environment. */
export interface Isolation {
  /** For the log: what is active, and of what is not, why. */
  readonly active: Readonly<Record<string, string>>;
  readonly wrap: (command: HostCommand, reach: Reach) => HostCommand;
  /** The same for a build: the sandbox, without the limits. */
  readonly confine: (command: HostCommand, reach: Reach) => HostCommand;
}

/** Of the system: programs, libraries and what name resolution, TLS and a JVM read. Nothing of it is secret. */
const SYSTEM = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/opt', '/nix/store'],
  ...['alternatives', 'ca-certificates', 'pki', 'ssl', 'hosts', 'host.conf', 'nsswitch.conf', 'resolv.conf', 'ld.so.cache', 'localtime'],
].map((path) => (path.startsWith('/') ? path : `/etc/${path}`));
const JAVA_SETTINGS = ['java', 'java-11-openjdk', 'java-17-openjdk', 'java-21-openjdk', 'java-25-openjdk'].map((name) => `/etc/${name}`);
const ACCOUNTS = ['/etc/passwd', '/etc/group'];

/**
 * Finds out what this machine allows, by trying it.
 * @throws {SelvageError} `CHAINCODE_LAUNCH_FAILED` when a sandbox is required and there is none
 */
export async function findIsolation({ host, limits, sandbox }: IsolationParts): Promise<Isolation> {
  if (process.platform !== 'linux') return unlimited(sandbox);
  const prlimit = await prefixThatWorks('prlimit', await limitArguments(limits), host);
  const bwrap = sandbox === 'off' ? 'off' : await prefixThatWorks('bwrap', sandboxArguments({ reads: [], writes: [] }), host);
  if (sandbox === 'required' && typeof bwrap === 'string') throw noSandbox(bwrap);
  const setpriv = await prefixThatWorks('setpriv', ['--no-new-privs'], host);
  const wrap = (command: HostCommand, reach: Reach): HostCommand => {
    const outer = typeof prlimit === 'string' ? [] : prlimit;
    const inner = typeof bwrap !== 'string' ? [bwrap[0] ?? '', ...sandboxArguments(reach)] : typeof setpriv === 'string' ? [] : setpriv;
    const [file = command.file, ...before] = [...outer, ...inner, command.file];
    return { ...command, file, args: [...before, ...command.args] };
  };
  const confine = (command: HostCommand, reach: Reach): HostCommand =>
    typeof bwrap === 'string'
      ? command
      : { ...command, file: bwrap[0] ?? '', args: [...sandboxArguments(reach), command.file, ...command.args] };
  const active = {
    limits: typeof prlimit === 'string' ? `none: ${prlimit}` : limitsInWords(limits),
    newPrivileges: typeof bwrap !== 'string' || typeof setpriv !== 'string' ? 'refused' : `possible: ${setpriv}`,
    sandbox: typeof bwrap === 'string' ? `none: ${bwrap}` : 'bwrap: read-only files, own processes, the network of the peer',
  };
  return { active, wrap, confine };
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

/** The hard limit of this process. */
async function ownLimit(name: string): Promise<number> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const [, hard] = new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, 'm').exec(text) ?? [];
  return hard === undefined || hard === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(hard);
}

/** The temporary folder comes before what may lie in it. */
function sandboxArguments({ reads, writes }: Reach): readonly string[] {
  return [
    ...['--die-with-parent', '--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--setenv', 'TMPDIR', '/tmp'],
    ...[...SYSTEM, ...JAVA_SETTINGS, ...ACCOUNTS, ...reads].flatMap((path) => ['--ro-bind-try', path, path]),
    ...writes.flatMap((path) => ['--bind', path, path]),
  ];
}

/** The folder that an installation of a program lies in, as for Node by a version manager below somebody's home. */
export async function installationOf(file: string): Promise<readonly string[]> {
  if (!file.startsWith('/')) return [];
  const real = await realpath(file).catch(() => file);
  return [...new Set([file, real].map((path) => join(dirname(path), '..')))].filter((path) => path.split('/').filter(Boolean).length > 1);
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
    confine: (command) => command,
  };
}

const noSandbox = (why: string): SelvageError =>
  new SelvageError('CHAINCODE_LAUNCH_FAILED', `chaincode must run in a sandbox, and this machine has none: ${why}`, {
    advice: 'Install bubblewrap and allow unprivileged user namespaces, or let the peer run chaincode without a sandbox.',
  });
