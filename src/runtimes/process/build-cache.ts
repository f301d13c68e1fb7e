import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rmdir, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../common/clock.ts';
import { makePassingFolder } from '../../common/durable-files.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { ownerGone, ownerMark } from '../../common/process-owner.ts';
import type { Scratch } from './scratch.ts';

/** How much of finished builds stays. Absent: no bound. */
export interface CacheBounds {
  readonly maxBytes?: number | undefined;
  /** Builds that nothing used for so long go, however much room there is. Milliseconds. */
  readonly maxUnusedMs?: number | undefined;
}

export interface BuildCacheParts {
  /** `builds` in it holds finished builds, one folder per key; `uses` tells who uses them, when they were used last, and their size. */
  readonly directory: string;
  /** Of the same disk: what is removed goes through it, so that a build is there completely or not at all. */
  readonly scratch: Scratch;
  readonly bounds: CacheBounds;
  readonly log: Logger;
  readonly clock?: Clock;
}

interface KnownBuild {
  readonly key: string;
  readonly usedMs: number;
  readonly bytes: number;
}

const KEY = /^[0-9a-f]{64}$/;
const SIZE = 'bytes';
/** What was used so lately stays: it may be larger than the bound, or made for a chaincode that is started in a moment. */
const LATELY_MS = 10 * 60_000;

/** Finished builds, kept by their keys; several processes may share the folder. What was used longest ago makes room for new ones. */
export class BuildCache implements AsyncDisposable {
  readonly #parts: BuildCacheParts;
  readonly #clock: Clock;
  readonly #builds: string;
  readonly #uses: string;
  #pruning: Promise<void> = Promise.resolve();

  constructor(parts: BuildCacheParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    this.#builds = join(parts.directory, 'builds');
    this.#uses = join(parts.directory, 'uses');
  }

  /** Has a build stay, should there be one, until the result is disposed: what is found after this is there until then. */
  async use(key: string): Promise<AsyncDisposable> {
    const folder = join(this.#uses, key);
    const mark = join(folder, `${ownerMark()}-${randomUUID()}`);
    const put = async (): Promise<void> => {
      await makePassingFolder(folder);
      await writeFile(mark, '', { mode: 0o600 });
    };
    await put().catch(put); // the folder may just have been tidied away, once
    for (const name of await this.#marks(key)) if (isGone(name)) await unlink(join(folder, name)).catch(() => undefined);
    return { [Symbol.asyncDispose]: () => unlink(mark).catch(() => undefined) };
  }

  async find(key: string): Promise<string | undefined> {
    const place = join(this.#builds, key);
    return (await isFolder(place)) ? place : undefined;
  }

  /** Moves a finished build to its place. Another process may have been first; then its result is as good as ours. */
  async keep(key: string, from: string): Promise<string> {
    const place = join(this.#builds, key);
    await makePassingFolder(this.#builds);
    try {
      await rename(from, place);
    } catch (thrown) {
      if (!(await isFolder(place))) throw thrown;
    }
    return place;
  }

  /** Removes what nothing used for too long and then what was used longest ago, until the rest fits. Never what is in use. */
  prune(): Promise<void> {
    const failed = (thrown: unknown): void => this.#parts.log.warn('chaincode builds not tidied', { reason: messageOf(thrown) });
    this.#pruning = this.#pruning.then(() => this.#prune()).catch(failed);
    return this.#pruning;
  }

  /** Waits until nothing is being removed any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pruning;
  }

  async #prune(): Promise<void> {
    const { maxBytes, maxUnusedMs } = this.#parts.bounds;
    if (maxBytes === undefined && maxUnusedMs === undefined) return;
    const known = await Promise.all((await namesIn(this.#builds)).filter((name) => KEY.test(name)).map((key) => this.#look(key)));
    let bytes = known.reduce((sum, build) => sum + build.bytes, 0);
    for (const build of known.sort((a, b) => a.usedMs - b.usedMs)) {
      const unusedMs = this.#clock.now().getTime() - build.usedMs;
      if (unusedMs < LATELY_MS) return; // and so are all that follow
      if (unusedMs <= (maxUnusedMs ?? Infinity) && bytes <= (maxBytes ?? Infinity)) continue;
      if (!(await this.#remove(build.key))) continue;
      bytes -= build.bytes;
      this.#parts.log.info('an old chaincode build was removed', { build: build.key, bytes: build.bytes, unusedMs, left: bytes });
    }
  }

  /** Out of the way first: whoever marks it as used from then on does not find it, and who did before gets it back. */
  async #remove(key: string): Promise<boolean> {
    if (await this.#isUsed(key)) return false;
    const place = join(this.#builds, key);
    await using leaving = await this.#parts.scratch.folder();
    const away = join(leaving.path, key);
    await rename(place, away);
    if (await this.#isUsed(key)) {
      await rename(away, place).catch(() => undefined); // unless it was built anew
      return false;
    }
    const folder = join(this.#uses, key);
    for (const name of [SIZE, ...(await this.#marks(key)).filter(isGone)]) await unlink(join(folder, name)).catch(() => undefined);
    await rmdir(folder).catch(() => undefined);
    return true;
  }

  async #isUsed(key: string): Promise<boolean> {
    return (await this.#marks(key)).some((name) => !isGone(name));
  }

  async #marks(key: string): Promise<readonly string[]> {
    return (await namesIn(join(this.#uses, key))).filter((name) => name !== SIZE);
  }

  async #look(key: string): Promise<KnownBuild> {
    const bytes = await this.#sizeOf(key);
    const [build, uses] = await Promise.all([stat(join(this.#builds, key)), stat(join(this.#uses, key))]);
    return { key, bytes, usedMs: Math.max(build.mtimeMs, uses.mtimeMs) };
  }

  /** Counted once: a build may have tens of thousands of files. */
  async #sizeOf(key: string): Promise<number> {
    const folder = join(this.#uses, key);
    const note = join(folder, SIZE);
    const noted = await readFile(note, 'utf8').catch(() => '');
    if (/^\d+$/.test(noted)) return Number(noted);
    const place = join(this.#builds, key);
    const { mtime } = await stat(folder).catch(() => stat(place));
    const bytes = await sizeBelow(place);
    await makePassingFolder(folder);
    await writeFile(note, String(bytes), { mode: 0o600 });
    await utimes(folder, mtime, mtime); // counting is no use of it
    return bytes;
  }
}

/** What the files below a folder take, links not followed. */
async function sizeBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const isGone = (mark: string): boolean => ownerGone(mark.split('-')[0] ?? '');

const namesIn = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
