import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder that lives as long as this object. */
export interface ScratchFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * Short-lived folders of this process below one folder, which other processes may use too. Each carries our process id, so
 * that what a killed process left is found and removed.
 */
export class Scratch {
  readonly #directory: string;
  #swept: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async folder(): Promise<ScratchFolder> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    this.#swept ??= this.#sweep();
    await this.#swept;
    const path = join(this.#directory, `${process.pid}-${randomUUID()}`);
    await mkdir(path, { mode: 0o700 });
    return { path, [Symbol.asyncDispose]: () => removeFolder(path) };
  }

  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const pid = Number(name.split('-')[0]);
      if (Number.isInteger(pid) && pid > 0 && !runs(pid)) await removeFolder(join(this.#directory, name));
    }
  }
}

/** Retries, because on some systems the last files of a process that just ended are busy for a moment. */
const removeFolder = (path: string): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3 });

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
}
