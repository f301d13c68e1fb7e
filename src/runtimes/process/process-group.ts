import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as delay, setImmediate as immediately } from 'node:timers/promises';
import { LineSplitter } from '../../common/line-splitter.ts';
import { ownerMark } from '../../common/process-owner.ts';
import { KeptOutput } from '../kept-output.ts';
import { isAlive, processesOf, signalTree, type TreeMark } from './process-tree.ts';

export interface GroupCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; nothing of ours is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** See {@link TreeMark.inside}. */
  readonly inside?: TreeMark['inside'];
  /** Hears every line of output as it comes, the last one also without a line break. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

/** How the first process of a group ended. */
export interface GroupExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** What both streams printed, as far as it is kept, oldest first. */
  readonly lastOutput: readonly string[];
}

/** In the environment of every process of a tree: who started it and which one it is, see process-owner.ts. */
export const TREE_VARIABLE = 'SELVAGE_PROCESS_TREE';

/** Between two looks at a tree that is ending. */
const LOOK_MS = 15;
/** Once the tree is gone, output that somebody outside of it holds open is over when nothing came for so long. */
const DRAIN_MS = 2_000;
/** A process that outlives SIGKILL that long hangs in the kernel; waiting on would hang us too. Nor is an outsider heard for longer. */
const HOPELESS_MS = 30_000;

/**
 * A process with everything it starts. It leads a process group of its own, and when it ends, by itself or stopped, nothing of
 * the tree stays behind.
 */
export class ProcessGroup implements AsyncDisposable {
  readonly pid: number;
  /** Settles once the tree is gone and its output is read to the end. Never rejects. */
  readonly exited: Promise<GroupExit>;
  readonly #mark: TreeMark;
  readonly #leaderGone: Promise<unknown>;
  #stopping: Promise<void> | undefined;

  private constructor(child: ChildProcess, pid: number, mark: TreeMark, output: KeptOutput) {
    this.pid = pid;
    this.#mark = mark;
    const closed = new Promise((resolve) => child.once('close', resolve));
    const ended = new Promise<Pick<GroupExit, 'code' | 'signal'>>((resolve) =>
      child.once('exit', (code, signal) => resolve({ code, signal })),
    );
    this.#leaderGone = ended;
    this.exited = ended.then(async (exit) => {
      this.#stopping ??= this.#end(0); // a later stop must not signal an id that somebody else has by then
      await this.#stopping;
      await drained(child, closed);
      return { ...exit, lastOutput: output.lines };
    });
  }

  /** Resolves when the process exists. Rejects when it cannot be started, with the system's error. */
  static async start({ file, args, cwd, env, onLine = () => undefined, inside }: GroupCommand): Promise<ProcessGroup> {
    const id = `${ownerMark()}.${randomUUID()}`;
    const marked = { ...env, [TREE_VARIABLE]: id };
    const child = spawn(file, args, { cwd, env: marked, detached: true, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    const spawned = once(child, 'spawn');
    if (child.pid === undefined) await spawned; // rejects with the reason
    const kept = new KeptOutput();
    for (const stream of ['stdout', 'stderr'] as const) readLines(child[stream], (line) => onLine(line, stream), kept);
    const pid = child.pid ?? 0;
    spawned.catch(() => undefined);
    child.on('error', () => undefined); // the exit says the rest
    return new ProcessGroup(child, pid, { groupId: pid, variable: `${TREE_VARIABLE}=${id}`, inside }, kept);
  }

  /** All processes of the tree at the moment. */
  readonly processes = (): Promise<readonly number[]> => processesOf(this.#mark);

  /** SIGTERM to the whole tree, SIGKILL to what is left after `graceMs`; resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#end(graceMs);
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
  }

  async #end(graceMs: number): Promise<void> {
    if (graceMs > 0) {
      await signalTree(this.#mark, 'SIGTERM');
      if (await this.#goneWithin(graceMs, async () => undefined)) return;
    }
    // Again at each look: a process may have been forked between the list and the signal.
    await this.#goneWithin(HOPELESS_MS, () => signalTree(this.#mark, 'SIGKILL'));
  }

  async #goneWithin(ms: number, before: () => Promise<void>): Promise<boolean> {
    const until = performance.now() + ms;
    while (true) {
      await before();
      if (!(await isAlive(this.#mark))) {
        await this.#leaderGone;
        return true;
      }
      if (performance.now() >= until) return false;
      await delay(LOOK_MS);
    }
  }
}

function readLines(output: Readable, onLine: (line: string) => void, kept: KeptOutput): void {
  const lines = new LineSplitter((line) => {
    kept.add(line);
    onLine(line);
  });
  output.on('data', (chunk: Buffer) => lines.push(chunk));
  output.on('close', () => lines.end());
  output.on('error', () => undefined); // a broken pipe is the end of the output
}

/** Resolves when all output of a child that ended is read, and closes what somebody else holds open. */
async function drained(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  const streams = [child.stdout, child.stderr].filter((stream) => stream instanceof Socket);
  const heard = (): number => streams.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  const until = performance.now() + HOPELESS_MS;
  for (let before = -1; before !== heard() && performance.now() < until; ) {
    before = heard();
    if (await within(DRAIN_MS, closed)) return;
    await immediately(); // where this process was busy, its timers come before what is there to read
  }
  for (const stream of streams) stream.destroy();
  await closed; // then a last line without an end is told as well
}

/** @returns whether it settled in time */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const limit = delay(ms, false, { signal: over.signal }).catch(() => false);
  const settled = await Promise.race([promise.then(() => true), limit]);
  over.abort();
  return settled;
}
