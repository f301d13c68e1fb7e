/** A program that a test starts as a user would, by hand. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Disposing kills it and waits for its end. */
export class StartedProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #lines: string[] = [];
  #heard: () => void = () => undefined;

  constructor(file: string, args: readonly string[], { cwd, env = {} }: ProgramOptions = {}) {
    const path = process.env['PATH'] ?? '';
    this.#child = spawn(file, args, { cwd, env: { PATH: path, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#closed = once(this.#child, 'close');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on('line', (line) => {
        this.#lines.push(line);
        this.#heard();
      });
    }
    void this.#closed.then(() => this.#heard());
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The first line that matches, now or later. Rejects with everything it printed when it ends before. */
  async line(wanted: RegExp): Promise<string> {
    let over = false;
    void this.#closed.then(() => {
      over = true;
    });
    for (;;) {
      const found = this.#lines.find((line) => wanted.test(line));
      if (found !== undefined) return found;
      if (over) throw new Error(`the program ended before ${wanted}:\n${this.#lines.join('\n')}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  /** Everything it printed, once it ended. */
  async ended(): Promise<readonly string[]> {
    await this.#closed;
    return this.#lines;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }
}
