import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { HttpEngine } from '../src/runtimes/docker/http-engine.ts';
import { noDocker } from './docker.ts';

const never = new AbortController().signal;
const DAEMON = '/usr/sbin/dockerd';

/** Why a test can have no engine of its own here; undefined when it can. */
export const noOwnEngine: string | undefined =
  noDocker ?? (process.getuid?.() === 0 && existsSync(DAEMON) ? undefined : `an engine of its own needs root and ${DAEMON}`);

/** An engine of one test alone, which may be killed. Without a bridge of its own and without firewall rules. */
export class OwnEngine implements AsyncDisposable {
  readonly #folder: string;
  readonly #options: readonly string[];
  readonly endpoint: string;
  #daemon: ChildProcess | undefined;

  private constructor(folder: string, options: readonly string[]) {
    this.#folder = folder;
    this.#options = options;
    this.endpoint = `unix://${join(folder, 'engine.sock')}`;
  }

  /** Starts one. @param options more of the daemon's own options */
  static async open(options: readonly string[] = []): Promise<OwnEngine> {
    const engine = new OwnEngine(await mkdtemp(join(tmpdir(), 'selvage-engine-')), options);
    try {
      await engine.start();
    } catch (thrown) {
      await engine[Symbol.asyncDispose]();
      throw thrown;
    }
    return engine;
  }

  /** The engine's own client. */
  async docker(...args: readonly string[]): Promise<string> {
    return (await promisify(execFile)('docker', ['-H', this.endpoint, ...args])).stdout.trim();
  }

  async start(): Promise<void> {
    const at = (name: string): string => join(this.#folder, name);
    const quiet = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--log-level=error'];
    const places = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid'), '--host', this.endpoint];
    // Its containerd dies with a killed engine, and leaves a pid file that keeps the next one from starting another.
    for (const stale of ['pid', 'exec/containerd/containerd.pid', 'exec/containerd/containerd.sock']) await rm(at(stale), { force: true });
    this.#daemon = spawn(DAEMON, [...quiet, ...places, ...this.#options], { stdio: 'ignore' });
    const engine = new HttpEngine({ endpoint: this.endpoint });
    for (;;) {
      if (await engine.version({ signal: never }).catch(() => undefined)) return;
      if (this.#daemon.exitCode !== null) throw new Error('dockerd does not start here');
      await pause(100);
    }
  }

  /** @param signal SIGKILL leaves its containers running */
  async end(signal: NodeJS.Signals): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const exit = once(daemon, 'exit');
    daemon.kill(signal);
    await exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL'); // asked to end it takes its time
    for (const pid of await this.#left()) process.kill(pid, 'SIGKILL');
    const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').flatMap((line) => line.split(' ')[1] ?? []);
    for (const mount of mounts.filter((each) => each.startsWith(`${this.#folder}/`)).reverse()) {
      await promisify(execFile)('umount', ['--lazy', mount]).catch(() => undefined);
    }
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Shims of containers that a killed engine left and no other one took over; they work inside our folder. */
  async #left(): Promise<readonly number[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
    const at = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
    return pids.filter((_, index) => at[index]?.startsWith(`${this.#folder}/`));
  }
}
