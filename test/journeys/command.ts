import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repository } from './network.ts';

const binary = join(repository, 'bin', 'selvage.js');

/** What tests pass on of their own environment: enough to find programs, nothing that configures a peer. */
export function plainEnvironment(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'XDG_CACHE_HOME'];
  return Object.fromEntries(kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']])));
}

/**
 * The variables that a script, which has arguments of its own, has after sourcing what a network wrote for its organisation of that number.
 * @param env the `env.sh` of the first
 */
export function sourced(env: string, org = 1): Record<string, string> {
  const file = org === 1 ? env : env.replace(/env\.sh$/, `env-org${org}.sh`);
  const text = execFileSync('sh', ['-c', `set -- an argument of its own; . '${file}'; env`], { env: {}, encoding: 'utf8' });
  const entries = text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return Object.fromEntries(entries.filter(([name]) => /^(CORE|ORDERER)_/.test(name ?? '')));
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `selvage ARGS` to its end. */
export async function selvage(
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Promise<Finished> {
  const child = spawn(process.execPath, [binary, ...args], {
    cwd: options.cwd ?? repository,
    env: { ...plainEnvironment(), ...options.env },
  });
  const out = collected(child.stdout);
  const err = collected(child.stderr);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: await out, stderr: await err };
}

async function collected(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** A `selvage` that keeps running, whose lines can be waited for. */
export class RunningCommand implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #closed: Promise<number | null>;
  #heard: () => void = () => undefined;

  constructor(args: readonly string[], env: Record<string, string>, cwd: string = repository) {
    this.#child = spawn(process.execPath, [binary, ...args], {
      cwd,
      env: { ...plainEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => this.#add(line));
    }
    this.#closed = once(this.#child, 'close').then(([code]) => code as number | null);
    void this.#closed.then(() => this.#heard());
  }

  /** The first line that `found` accepts. Rejects with everything that was printed if the command ends first. */
  async line(found: (line: string) => boolean): Promise<string> {
    for (let at = 0; ; at += 1) {
      while (at >= this.#lines.length) {
        if (this.#ended) throw new Error(`the command ended before:\n${this.#lines.join('\n')}`);
        await new Promise<void>((resolve) => {
          this.#heard = resolve;
        });
      }
      const line = this.#lines[at] ?? '';
      if (found(line)) return line;
    }
  }

  /** Reads no more of what it prints, as `head` does when it has enough, and waits for the end. */
  async hangUp(): Promise<number | null> {
    this.#child.stdout?.destroy();
    return this.#closed;
  }

  /** Kills it as `kill -9` does, with no chance to tidy up, and waits for the end. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Sends it a signal and goes on. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Its exit code, when it has ended. */
  get closed(): Promise<number | null> {
    return this.#closed;
  }

  /** What it has printed so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Interrupts it as Ctrl-C does and waits for the end; its exit code. */
  interrupt(): Promise<number | null> {
    this.#child.kill('SIGINT');
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.interrupt();
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#heard();
  }
}
