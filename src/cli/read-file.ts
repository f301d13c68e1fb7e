import { readFileSync, readlinkSync } from 'node:fs';
import { messageOf, SelvageError } from '../common/errors.ts';

/** What a file is read for, for an error. */
interface FileRole {
  /** The setting that names the file. */
  readonly setting?: string;
  /** Fabric's words, which begin the error. */
  readonly refusal?: string;
}

/** @throws {SelvageError} `SETTING_INVALID` naming the file, what names it, and why it cannot be read */
export function readBytes(file: string, { setting, refusal }: FileRole = {}): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const name = file === '' ? 'a file whose name is empty' : file;
    const named = setting === undefined ? name : `${name}, which ${setting} names`;
    throw new SelvageError(
      'SETTING_INVALID',
      `${refusal === undefined ? '' : `${refusal}: `}cannot read ${named}: ${fileReason(file, cause)}`,
      { cause, advice: setting === undefined ? 'Check the path and who may read it.' : `Correct ${setting}, or who may read the file.` },
    );
  }
}

/** @throws {SelvageError} `SETTING_INVALID` as {@link readBytes} */
export const readText = (file: string, role: FileRole = {}): string => readBytes(file, role).toString('utf8');

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is no directory',
  ELOOP: 'too many levels of symbolic links',
};

/** Why a file cannot be read or written, without the system's own names for it. */
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
