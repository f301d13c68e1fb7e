import { lstatSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface ProgramLink {
  readonly path: string;
  readonly target: string;
}

/** What a process in the sandbox has beside the system's own files. All paths are absolute. */
export interface Reach {
  /** Read only, where they exist: programs, settings. Of what is hidden nothing shows. */
  readonly reads: readonly string[];
  /** Links of programs, made as they are. */
  readonly links?: readonly ProgramLink[] | undefined;
  /** The folder that it works in, shown at another place and read only: where an instance lies is new each time, this place is not. */
  readonly workIn?: { readonly from: string; readonly to: string } | undefined;
  /** Its own files, read only; whatever is hidden around them. */
  readonly own: readonly string[];
  readonly writes: readonly string[];
}

/** Of the system: programs, libraries and what name resolution, TLS and a JVM read. Private keys have folders of their own there. */
const SYSTEM = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/nix/store'],
  ...['alternatives', 'ca-certificates', 'ssl/certs', 'ssl/cert.pem', 'ssl/openssl.cnf', 'hosts', 'host.conf', 'nsswitch.conf'],
  ...['pki/ca-trust', 'pki/java', 'pki/tls/certs', 'pki/tls/cert.pem', 'pki/tls/openssl.cnf', 'resolv.conf', 'ld.so.cache', 'localtime'],
  ...['java', 'java-11-openjdk', 'java-17-openjdk', 'java-21-openjdk', 'java-25-openjdk', 'passwd', 'group'],
].map((path) => (path.startsWith('/') ? path : `/etc/${path}`));

/**
 * Arguments of `bwrap`. The temporary folder comes before what may lie in it; what is hidden after all that could show it; what the
 * process owns after that, as it may lie in a folder of the peer's.
 * @param hidden files and folders that no process may see, whatever shows the place where they lie
 */
export function sandboxArguments({ reads, links = [], own, writes, workIn }: Reach, hidden: readonly string[] = []): readonly string[] {
  const shown = [...SYSTEM, ...new Set(reads.filter((path) => !isSystem(path)))];
  return [
    ...['--die-with-parent', '--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--setenv', 'TMPDIR', '/tmp'],
    ...shown.flatMap((path) => ['--ro-bind-try', path, path]),
    ...links.filter(({ path }) => !isBelow(path, shown)).flatMap(({ path, target }) => ['--symlink', target, path]),
    ...masks(hidden, shown),
    ...own.flatMap((path) => ['--ro-bind-try', path, path]),
    ...writes.flatMap((path) => ['--bind', path, path]),
    ...(workIn === undefined ? [] : ['--ro-bind', workIn.from, workIn.to, '--chdir', workIn.to]),
  ];
}

/** Whether everybody sees it in any case. */
export const isSystem = (path: string): boolean => isBelow(path, SYSTEM);

/** Covers what is hidden wherever it shows: also below a link, and where it is shown by another name. */
function masks(hidden: readonly string[], shown: readonly string[]): readonly string[] {
  const roots = shown.flatMap((path) => [...new Set([path, real(path)])].map((from) => ({ from, path })));
  const places = [...new Set(hidden)].flatMap((secret) =>
    [...new Set([secret, real(secret)])].flatMap((name) =>
      roots.filter(({ from }) => isBelow(name, [from])).map(({ from, path }) => join(path, relative(from, name))),
    ),
  );
  return [...new Set(places)].flatMap((place) => {
    const found = lstatSync(place, { throwIfNoEntry: false });
    if (found === undefined || found.isSymbolicLink()) return []; // what it leads to is covered where that is
    return found.isDirectory() ? ['--tmpfs', place] : ['--ro-bind', '/dev/null', place];
  });
}

/** Whether a path is one of these, or below one. */
const isBelow = (path: string, roots: readonly string[]): boolean => roots.some((root) => path === root || path.startsWith(`${root}/`));

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
