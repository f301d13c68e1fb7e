/** What the operating system refused, as a sentence: such failures are the machine's, whichever part of the program met them. */

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  EEXIST: 'it is there already',
  ENOTEMPTY: 'the folder is not empty',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its links lead in a circle',
  EBUSY: 'it is in use',
  ENOSPC: 'there is no room left',
  EDQUOT: 'the quota is used up',
  EFBIG: 'the file would be too large',
  EMFILE: 'this process has too many files open',
  ENFILE: 'this machine has too many files open',
  ENOMEM: 'there is no memory left',
  EIO: 'the device does not work',
  ENXIO: 'it is a socket, or a device that nobody serves',
  EXDEV: 'the two places are on different file systems',
  EAGAIN: 'there is no room for another process at the moment',
  EMLINK: 'it has too many links',
  ETXTBSY: 'it is running',
  EINVAL: 'it cannot be done there',
};

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'Give the user that runs the command access to it, or name another place.',
  EPERM: 'Give the user that runs the command access to it, or name another place.',
  EROFS: 'Name a place on a file system that can be written to, or mount this one so.',
  ENOSPC: 'Make room there, or name another place.',
  EDQUOT: 'Make room there, or name another place.',
  EMFILE: 'Raise the limit on open files (ulimit -n).',
};

const VERBS: Readonly<Record<string, string>> = {
  open: 'open',
  mkdir: 'make the folder',
  mkdtemp: 'make the folder',
  scandir: 'list',
  opendir: 'list',
  stat: 'look at',
  lstat: 'look at',
  access: 'look at',
  read: 'read',
  write: 'write to',
  rename: 'rename',
  unlink: 'remove',
  rmdir: 'remove',
  rm: 'remove',
  link: 'link',
  symlink: 'link',
  chmod: 'change the rights of',
  copyfile: 'copy',
  fsync: 'write to',
};

export interface SystemFailure {
  readonly sentence: string;
  readonly advice: string | undefined;
}

/** Whose folder was removed while a shell was in it; everything that has to do with relative paths meets it. */
const FOLDER_GONE: SystemFailure = {
  sentence: 'the folder that this command was started in is not there any more',
  advice: 'Change to a folder that is there (cd), and run it again.',
};

/** The failure of a system call among an error's causes; undefined where there is none. */
export function systemFailureOf(thrown: unknown): SystemFailure | undefined {
  for (let cause = thrown; cause instanceof Error; cause = cause.cause) {
    const { code, errno, syscall = '', path, message } = cause as NodeJS.ErrnoException;
    if (syscall === 'uv_cwd') return FOLDER_GONE;
    const words = WORDS[code ?? ''];
    if (code === undefined || (words === undefined && errno === undefined)) continue; // it is none of the system's
    const what = path === undefined ? 'write or read a file' : `${VERBS[syscall] ?? 'use'} ${path}`;
    return { sentence: words === undefined ? `the system says: ${message}` : `cannot ${what}: ${words} (${code})`, advice: ADVICE[code] };
  }
  return undefined;
}
