import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needsDocker, noDocker } from '../../../test/docker.ts';
import { openDocker } from '../../../test/runtimes/docker-fixture.ts';
import { Listener } from '../../chaincode/runtime.contract.ts';
import { type Logger, silent } from '../../common/log.ts';
import { DockerodeEngine } from './dockerode-engine.ts';

const never = new AbortController().signal;
const own =
  noDocker ??
  (process.getuid?.() === 0 && existsSync('/usr/sbin/dockerd') ? undefined : 'an engine to kill needs root and /usr/sbin/dockerd');

/** An engine of this test alone, which may be killed. */
class OwnEngine implements AsyncDisposable {
  readonly #folder: string;
  readonly endpoint: string;
  #daemon: ChildProcess | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.endpoint = `unix://${join(folder, 'engine.sock')}`;
  }

  async start(): Promise<void> {
    const at = (name: string): string => join(this.#folder, name);
    const quiet = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--log-level=error'];
    const places = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid'), '--host', this.endpoint];
    // Its containerd dies with a killed engine, and leaves a pid file that keeps the next one from starting another.
    for (const stale of ['pid', 'exec/containerd/containerd.pid', 'exec/containerd/containerd.sock']) await rm(at(stale), { force: true });
    this.#daemon = spawn('/usr/sbin/dockerd', [...quiet, ...places], { stdio: 'ignore' });
    const engine = new DockerodeEngine({ endpoint: this.endpoint });
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

/** Messages at info and above. */
function heard(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const say = (text: string): void => void lines.push(text);
  const log: Logger = { ...silent, info: say, warn: say, error: say, child: () => log };
  return { log, lines };
}

describe('an engine that is not there', () => {
  it('is one clear error, and no reason for the peer not to start', async () => {
    const { log, lines } = heard();
    await using fixture = await openDocker({ endpoint: 'unix:///nowhere/docker.sock', image: 'none', log });
    await fixture.runtime.ready({ signal: never });
    const spec = await fixture.packed({ 'package.json': '{"scripts":{"start":"node x"}}' });
    for (let time = 0; time < 2; time += 1) {
      await expect(fixture.runtime.launch(spec, { signal: never })).rejects.toMatchObject({
        code: 'DOCKER_UNAVAILABLE',
        message: expect.stringContaining('the Docker engine at unix:///nowhere/docker.sock does not answer'),
        advice: expect.stringContaining('Start Docker'),
      });
    }
    expect(lines).toEqual(['the Docker engine is lost']);
  });
});

describe.skipIf(own !== undefined)(own === undefined ? needsDocker('an engine that dies') : `an engine that dies (skipped: ${own})`, () => {
  let engine: OwnEngine;

  beforeAll(async () => {
    engine = new OwnEngine(await mkdtemp(join(tmpdir(), 'selvage-engine-')));
    await engine.start();
  }, 120_000);
  afterAll(() => engine?.[Symbol.asyncDispose](), 60_000);

  it('in the middle of a build is said at once; when it is back, the next launch works and nothing is left', async () => {
    const { log, lines } = heard();
    await using fixture = await openDocker({ endpoint: engine.endpoint, log, healthIntervalMs: 50 });
    await using listener = await Listener.open();
    const spec = await fixture.chaincode(
      {
        script: "say('up'); setInterval(() => {}, 1e6);",
        install: "say('building'); if (process.env.STUCK !== 'no') setTimeout(() => {}, 60_000);",
      },
      listener,
    );
    const launch = fixture.runtime.launch(spec, { signal: never });
    await Promise.race([listener.line('building'), launch]);
    await engine.end('SIGKILL');
    await expect(launch).rejects.toMatchObject({ code: 'DOCKER_UNAVAILABLE', advice: expect.stringMatching(/\w/) });
    expect(lines.filter((line) => line.includes('engine'))).toContain('the Docker engine is lost');
    await engine.start();
    const quick = await fixture.chaincode({ script: "say('up'); setInterval(() => {}, 1e6);" }, listener);
    const instance = await fixture.runtime.launch(quick, { signal: never });
    await listener.line('up');
    expect((await fixture.leftovers()).length).toBe(1);
    await instance[Symbol.asyncDispose]();
    expect(await fixture.leftovers()).toEqual([]);
    await expect.poll(() => lines, { timeout: 10_000 }).toContain('the Docker engine answers again');
  }, 120_000);

  it('under a running chaincode ends it with the engine, and it can be launched again', async () => {
    const { log, lines } = heard();
    await using fixture = await openDocker({ endpoint: engine.endpoint, log, healthIntervalMs: 50 });
    await using listener = await Listener.open();
    const spec = await fixture.chaincode({ script: "say('up'); setInterval(() => {}, 1e6);" }, listener);
    const first = await fixture.runtime.launch(spec, { signal: never });
    await listener.line('up');
    await engine.end('SIGKILL');
    await engine.start(); // it kills what ran under its predecessor
    await first.exited;
    expect(lines.filter((line) => line === 'the Docker engine is lost')).toHaveLength(1);
    await fixture.runtime.launch(spec, { signal: never });
    await listener.count('up', 2);
    await fixture.runtime[Symbol.asyncDispose]();
    expect(await fixture.leftovers()).toEqual([]);
  }, 120_000);
});
