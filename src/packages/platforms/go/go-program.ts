import { chmod, open } from 'node:fs/promises';
import { SelvageError } from '../../../common/errors.ts';

/** How the archive begins that the compiler makes of a package that is no program. */
const ARCHIVE = '!<arch>';

/**
 * Makes sure that a build left a program.
 * @throws {SelvageError} `CHAINCODE_BUILD_FAILED`
 */
export async function collectProgram(path: string): Promise<void> {
  const file = await open(path, 'r').catch(() => undefined);
  const beginning = Buffer.alloc(ARCHIVE.length);
  try {
    await file?.read(beginning);
  } finally {
    await file?.close();
  }
  if (file === undefined || beginning.toString('latin1') === ARCHIVE) throw notMain();
  await chmod(path, 0o755);
}

const notMain = (): SelvageError =>
  new SelvageError('CHAINCODE_BUILD_FAILED', 'the Go package is not a program: it is not called main', {
    advice: 'Give the import path of the folder with "package main" and func main as the path of the chaincode.',
  });
