import { readFile } from 'node:fs/promises';
import { SelvageError } from '../common/errors.ts';
import { fileReason } from '../common/file-reason.ts';

/** @throws {SelvageError} `SETTING_INVALID` naming the file */
export async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `cannot read ${file}: ${fileReason(file, cause)}`, {
      cause,
      advice: 'Check the path and who may read it.',
    });
  }
}
