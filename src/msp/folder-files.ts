import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SelvageError } from '../common/errors.ts';
import { fileReason } from '../common/file-reason.ts';
import type { Logger } from '../common/log.ts';

/**
 * The paths of a folder's files in the order of their names, links followed; undefined when there is no such folder. An entry that
 * leads nowhere is left out, with a warning.
 */
export async function filesIn(folder: string, log: Logger): Promise<readonly string[] | undefined> {
  try {
    const paths = (await readdir(folder)).sort().map((name) => join(folder, name));
    return (await Promise.all(paths.map((path) => fileAt(path, log)))).flat();
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw new SelvageError('SETTING_INVALID', `cannot read ${folder}: ${fileReason(folder, cause)}`, { cause });
  }
}

async function fileAt(path: string, log: Logger): Promise<string[]> {
  try {
    const found = await stat(path);
    if (found.isFile()) return [path];
    if (!found.isDirectory()) log.warn('what is no file is not used as one of the MSP', { file: path });
    return [];
  } catch (thrown) {
    log.warn('a file of the MSP cannot be looked at and is not used', { file: path, reason: fileReason(path, thrown) });
    return [];
  }
}

export const isAbsent = (thrown: unknown): boolean => thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
