/** External builders for tests: a folder with shell scripts in `bin`. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export type BuilderScripts = Partial<Record<'detect' | 'build' | 'release' | 'run', string>>;

/** Writes the programs of a builder; each line of a script is shell. */
export async function writeBuilder(path: string, scripts: BuilderScripts): Promise<void> {
  await mkdir(join(path, 'bin'), { recursive: true });
  for (const [program, script] of Object.entries(scripts)) {
    const file = join(path, 'bin', program);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  }
}

/** For `run`: `field NAME` prints a field of the chaincode.json that it was given. */
export const RUN_FIELD = `RUN="$2"; field() { node -p 'JSON.parse(require("fs").readFileSync(process.argv[1]))[process.argv[2]]' "$RUN/chaincode.json" "$1"; }`;
