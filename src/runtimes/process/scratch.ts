import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makePassingFolder } from '../../common/durable-files.ts';
import { ownerGone, ownerMark } from '../../common/process-owner.ts';

/** A folder that lives as long as this object. */
export interface ScratchFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * Short-lived folders of this process below one folder, which other processes may use too. Each names us, so that what a
 * killed process left is found and removed.
 */
export class Scratch {
  readonly #directory: string;
  #swept: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async folder(): Promise<ScratchFolder> {
    await makePassingFolder(this.#directory);
    await this.sweep();
    const path = join(this.#directory, `${ownerMark()}-${randomUUID()}`);
    await mkdir(path, { mode: 0o700 });
    return { path, [Symbol.asyncDispose]: () => removeFolder(path) };
  }

  /** Removes what killed processes left, once. */
  sweep(): Promise<void> {
    this.#swept ??= this.#sweep();
    return this.#swept;
  }

  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#directory).catch(() => [])) {
      if (ownerGone(name.split('-')[0] ?? '')) await removeFolder(join(this.#directory, name));
    }
  }
}

/** Retries, because on some systems the last files of a process that just ended are busy for a moment. */
const removeFolder = (path: string): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3 });
