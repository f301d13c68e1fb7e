import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, messageOf } from '../../common/errors.ts';

/** Why a program cannot be run, in words; undefined when nothing speaks against it. The system says ENOENT for several of these. */
export async function programProblem(program: string): Promise<string | undefined> {
  const found = await stat(program).catch((thrown: unknown) => errnoOf(thrown) ?? messageOf(thrown));
  if (typeof found === 'string') return absent(program, found);
  if (!found.isFile()) return 'it is no file';
  if (!(await can(program, constants.X_OK))) return `it is not executable (its mode is ${(found.mode & 0o777).toString(8)})`;
  const first = await firstLine(program);
  if (first === undefined || !first.startsWith('#!')) return undefined;
  const [interpreter = ''] = first.slice(2).trim().split(/\s+/);
  if (await can(interpreter, constants.X_OK)) {
    return first.endsWith('\r') ? 'its first line ends as in Windows, which becomes part of the name of its interpreter' : undefined;
  }
  return `its interpreter ${interpreter} is not there`;
}

async function absent(program: string, code: string): Promise<string> {
  if (code !== 'ENOENT' && code !== 'ENOTDIR') return code === 'EACCES' ? 'the peer may not look into its folder' : `${code}`;
  for (const folder of [dirname(dirname(program)), dirname(program)])
    if (!(await can(folder, constants.F_OK))) return `no such file: there is no folder ${folder}`;
  return 'no such file';
}

/** As much of it as the kernel looks at. */
async function firstLine(program: string): Promise<string | undefined> {
  const file = await open(program).catch(() => undefined);
  if (file === undefined) return undefined; // a program that may be run and not read
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
    return buffer.subarray(0, bytesRead).toString('latin1').split('\n')[0];
  } finally {
    await file.close();
  }
}

const can = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );
