/** External builders for tests: a folder with shell scripts in `bin`. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeProgram } from '../program-file.ts';

export type BuilderScripts = Partial<Record<'detect' | 'build' | 'release' | 'run', string>>;

/** Writes the programs of a builder; each line of a script is shell. */
export async function writeBuilder(path: string, scripts: BuilderScripts): Promise<void> {
  await mkdir(join(path, 'bin'), { recursive: true });
  for (const [program, script] of Object.entries(scripts)) await writeProgram(join(path, 'bin', program), `#!/bin/sh\n${script}\n`);
}

/** For `run`: `field NAME` prints a field of the chaincode.json that it was given. */
export const RUN_FIELD = `RUN="$2"; field() { node -p 'JSON.parse(require("fs").readFileSync(process.argv[1]))[process.argv[2]]' "$RUN/chaincode.json" "$1"; }`;
