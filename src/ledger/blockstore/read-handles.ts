import { type FileHandle, open } from 'node:fs/promises';

interface Held {
  readonly opening: Promise<FileHandle>;
  users: number;
}

/** Files kept open for reading: as many as are being read, and a few of those read last. */
export class ReadHandles implements AsyncDisposable {
  #idle: number;
  readonly #held = new Map<string, Held>();

  /** @param idle how many files stay open with nobody reading */
  constructor(idle = 8) {
    this.#idle = idle;
  }

  /** Runs `read` on a file, which is not closed before it is over. */
  async using<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T> {
    const held = this.#hold(path);
    try {
      return await read(await held.opening);
    } finally {
      held.users -= 1;
      if (held.users === 0 && this.#held.get(path) !== held) await closed(held);
      await this.#closeIdle(this.#idle);
    }
  }

  /** Forgets a file that was deleted: one of the same name is another file. */
  async drop(path: string): Promise<void> {
    const held = this.#held.get(path);
    this.#held.delete(path);
    if (held?.users === 0) await closed(held);
  }

  /** Holds a file and moves it to the end, where what was used last stands. */
  #hold(path: string): Held {
    const held = this.#held.get(path) ?? { opening: open(path, 'r'), users: 0 };
    held.users += 1;
    this.#held.delete(path);
    this.#held.set(path, held);
    held.opening.catch(() => this.#forget(path, held));
    return held;
  }

  #forget(path: string, held: Held): void {
    if (this.#held.get(path) === held) this.#held.delete(path);
  }

  async #closeIdle(keep: number): Promise<void> {
    const idle = [...this.#held].filter(([, { users }]) => users === 0);
    for (const [path, held] of idle.slice(0, Math.max(0, idle.length - keep))) {
      this.#held.delete(path);
      await closed(held);
    }
  }

  /** Closes what nobody reads; readers that are left close theirs when they end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#idle = 0;
    await this.#closeIdle(0);
  }
}

/** What never opened needs no closing; its reader has the error. */
async function closed({ opening }: Held): Promise<void> {
  const file = await opening.catch(() => undefined);
  await file?.close();
}
