import { randomUUID } from 'node:crypto';
import { existsSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { OWNER_FILE } from '../common/durable-files.ts';
import { SelvageError } from '../common/errors.ts';
import { fileReason } from '../common/file-reason.ts';

/**
 * Writes a whole file or nothing: what was there before stays when it fails. What is no file, like `/dev/stdout` or a pipe, is written
 * to as it is, and of a link the file that it leads to. A new file is for its owner only, as with the stock `peer`.
 * @throws {SelvageError} `SETTING_INVALID` naming the file
 */
export function writeWhole(file: string, content: Uint8Array): void {
  try {
    if (!existsSync(file)) replace(file, content, OWNER_FILE);
    else if (statSync(file).isFile()) replace(realpathSync(file), content, statSync(file).mode);
    else writeFileSync(file, content);
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `cannot write ${file}: ${fileReason(file, cause)}`, {
      cause,
      advice: 'Check that the folder is there and who may write to it.',
    });
  }
}

function replace(file: string, content: Uint8Array, mode: number): void {
  const unfinished = `${file}.${randomUUID()}`;
  try {
    writeFileSync(unfinished, content, { mode, flag: 'wx' });
    renameSync(unfinished, file);
  } catch (thrown) {
    rmSync(unfinished, { force: true });
    throw thrown;
  }
}
