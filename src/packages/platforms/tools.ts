import { execFile } from 'node:child_process';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, SelvageError } from '../../common/errors.ts';

/** The environment that programs of this machine are looked up in and started with, as `process.env`. */
export type ToolEnvironment = Readonly<Record<string, string | undefined>>;

/** Where a program is, by `PATH` and then by further folders; undefined when it is nowhere. */
export async function findTool(name: string, env: ToolEnvironment, folders: readonly string[] = []): Promise<string | undefined> {
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`] : [name];
  const places = [...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), ...folders];
  for (const folder of places) for (const each of names) if (await isProgram(join(folder, each))) return join(folder, each);
  return undefined;
}

/** Tells one installation of a program from another: where it really is, and of when. */
export async function identityOf(tool: string): Promise<string> {
  const real = await realpath(tool);
  return `${real} ${(await stat(real)).mtimeMs}`;
}

/**
 * What a program prints when it is asked something that it answers at once.
 * @throws {SelvageError} `CHAINCODE_BUILD_FAILED`
 */
export async function answerOf(tool: string, args: readonly string[], env: ToolEnvironment, cwd: string): Promise<string> {
  try {
    return (await promisify(execFile)(tool, [...args], { env: { ...env }, cwd, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch (cause) {
    throw new SelvageError('CHAINCODE_BUILD_FAILED', `${tool} does not work: ${messageOf(cause)}`, { cause });
  }
}

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK)
    .then(() => stat(path))
    .then(
      (found) => found.isFile(),
      () => false,
    );
