import { existsSync, type FSWatcher, readdirSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cancellable, orAbort } from '../../common/cancel.ts';

/** What changes without anybody editing: installed dependencies, version control. */
const IGNORED: ReadonlySet<string> = new Set(['node_modules', '.git']);

export interface ChangeOptions extends Cancellable {
  /** How long nothing must change before it is told, in milliseconds. */
  readonly quietMs?: number;
}

/**
 * Yields each time files below a folder have changed and then stayed as they are for a moment. What changes while the consumer is
 * busy counts as one more change. Ends when the signal aborts. Watching begins with the first `next`.
 */
export const folderChanges = (folder: string, options: ChangeOptions): AsyncGenerator<void> =>
  changesOf(() => new WatchedTree(folder), options);

/** The same for one file, whether it is written to or replaced. */
export const fileChanges = (file: string, options: ChangeOptions): AsyncGenerator<void> =>
  changesOf(() => new WatchedTree(dirname(file), basename(file)), options);

async function* changesOf(open: () => WatchedTree, { signal, quietMs = 200 }: ChangeOptions): AsyncGenerator<void> {
  using tree = open();
  while (await tree.changed(signal)) {
    while (tree.take()) await delay(quietMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    yield;
  }
}

/** Node's own recursive watching would watch every folder of node_modules. */
class WatchedTree implements Disposable {
  readonly #root: string;
  readonly #only: string | undefined;
  #watchers: FSWatcher[] = [];
  #dirty = false;
  #wake: () => void = () => undefined;

  /** @param only the one name in the folder that counts; its folders do not then */
  constructor(root: string, only?: string) {
    this.#root = root;
    this.#only = only;
    this.#watch(root);
  }

  /** Resolves with true once something changed since {@link take}, with false when the signal aborts. */
  async changed(signal: AbortSignal): Promise<boolean> {
    if (!this.#dirty) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await orAbort(woken, signal).catch(() => undefined);
    }
    return !signal.aborted;
  }

  /** Whether something changed since the last call. Then all is watched anew: folders may have come, gone or been replaced. */
  take(): boolean {
    const was = this.#dirty;
    this.#dirty = false;
    if (!was) return false;
    const before = this.#watchers;
    this.#watchers = [];
    this.#watch(this.#root);
    if (this.#watchers.length === 0) this.#await(this.#root);
    for (const watcher of before) watcher.close();
    return true;
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  /** A folder may be gone by the time it is looked at; then its parent has changed. */
  #watch(folder: string): void {
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name === null || (this.#only === undefined ? !IGNORED.has(name) : name === this.#only)) this.#touch();
      });
      watcher.on('error', () => this.#touch());
      this.#watchers.push(watcher);
      if (this.#only !== undefined) return;
      const entries = readdirSync(folder, { withFileTypes: true });
      for (const entry of entries) if (entry.isDirectory() && !IGNORED.has(entry.name)) this.#watch(join(folder, entry.name));
    } catch {
      // gone meanwhile
    }
  }

  /**
   * The root itself is gone, moved away or while another version is checked out: looks at the next folder above that is there, until
   * the way down is there again. What came back in between counts as a change.
   */
  #await(gone: string): void {
    const above = dirname(gone);
    if (above === gone) return;
    try {
      const watcher = watch(above, (_event, name) => {
        if (name === null || name === basename(gone) || name === basename(above)) this.#touch(); // the latter when it goes itself
      });
      watcher.on('error', () => this.#touch());
      this.#watchers.push(watcher);
      if (existsSync(gone)) this.#touch();
    } catch {
      this.#await(above);
    }
  }

  #touch(): void {
    this.#dirty = true;
    this.#wake();
  }
}
