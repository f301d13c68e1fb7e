import { readlinkSync } from 'node:fs';
import { messageOf } from './errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is no directory',
  ELOOP: 'too many levels of symbolic links',
  ENAMETOOLONG: 'file name too long',
  ENXIO: 'it is a socket',
  EROFS: 'read-only file system',
  ENOSPC: 'no space left on device',
  EMFILE: 'too many open files',
  ERR_INVALID_ARG_VALUE: 'invalid argument', // a NUL character
};

/** Why a file cannot be read or written, in Go's words, without the system's own names for it. */
export function fileReason(file: string, thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  const target = code === 'ENOENT' ? linkIn(file) : undefined;
  return target === undefined ? (REASONS[code] ?? messageOf(thrown)) : `it is a link to ${target}, and there is no such file`;
}

function linkIn(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined; // it is no link
  }
}
