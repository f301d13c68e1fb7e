import { randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { messageOf, SelvageError } from '../common/errors.ts';

/** Writes a whole file or nothing: what was there before stays when it fails. @throws {SelvageError} `SETTING_INVALID` naming the file */
export function writeWhole(file: string, content: Uint8Array): void {
  const unfinished = `${file}.${randomUUID()}`;
  try {
    writeFileSync(unfinished, content);
    renameSync(unfinished, file);
  } catch (cause) {
    rmSync(unfinished, { force: true });
    throw new SelvageError('SETTING_INVALID', `cannot write ${file}: ${messageOf(cause)}`, {
      cause,
      advice: 'Check that the folder is there and who may write to it.',
    });
  }
}
