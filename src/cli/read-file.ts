import { readFileSync } from 'node:fs';
import { SelvageError } from '../common/errors.ts';
import { fileReason } from '../common/file-reason.ts';

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
