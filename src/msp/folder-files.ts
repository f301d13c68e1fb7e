import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SelvageError } from '../common/errors.ts';

/** The paths of a folder's files in the order of their names, links followed; undefined when there is no such folder. */
export async function filesIn(folder: string): Promise<readonly string[] | undefined> {
  try {
    const paths = (await readdir(folder)).sort().map((name) => join(folder, name));
    const files = await Promise.all(paths.map(async (path) => ((await stat(path)).isDirectory() ? [] : [path])));
    return files.flat();
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw new SelvageError('SETTING_INVALID', `cannot read ${folder}`, { cause });
  }
}

export const isAbsent = (thrown: unknown): boolean => thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
