import { readFileSync, readlinkSync } from 'node:fs';
import { messageOf, SelvageError } from '../common/errors.ts';

/** @throws {SelvageError} `SETTING_INVALID` naming the file and why it cannot be read */
export function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new SelvageError(
      'SETTING_INVALID',
      `cannot read ${file === '' ? 'a file whose name is empty' : file}: ${reasonOf(file, cause)}`,
      {
        cause,
        advice: 'Check the path and who may read it.',
      },
    );
  }
}

/** @throws {SelvageError} `SETTING_INVALID` naming the file and why it cannot be read */
export const readText = (file: string): string => readBytes(file).toString('utf8');

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is no directory',
  ELOOP: 'too many levels of symbolic links',
};

function reasonOf(file: string, thrown: unknown): string {
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
