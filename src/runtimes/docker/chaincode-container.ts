import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { ChaincodeInstance } from '../../chaincode/ports/runtime.ts';
import { orAbort } from '../../common/cancel.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import { timerMs } from '../../common/timers.ts';
import type { Exit } from '../../packages/launch-spec.ts';
import { packagePaths } from '../package-paths.ts';
import type { ContainerOutput } from './container-output.ts';
import type { Attachment, DockerEngine } from './engine.ts';
import { isLost, statusOf } from './engine-failure.ts';
import type { EngineHealth } from './engine-health.ts';
import type { Trace } from './traces.ts';

export interface ChaincodeContainerParts {
  readonly engine: DockerEngine;
  readonly health: EngineHealth;
  readonly id: string;
  readonly ccid: string;
  /** Name of the container. */
  readonly name: string;
  readonly trace: Trace;
  readonly attached: Attachment;
  readonly output: ContainerOutput;
  readonly graceMs: number;
  readonly log: Logger;
}

interface End {
  readonly code: number | null;
  readonly outOfMemory: boolean;
}

/** So long, in milliseconds, the last output of an ended container may take to come. */
const LAST_OUTPUT_MS = 2_000;
const UNKNOWN: End = { code: null, outOfMemory: false };

/** A started container. It is removed when it has ended, by itself or by being disposed. */
export class ChaincodeContainer implements ChaincodeInstance {
  readonly id: string;
  readonly exited: Promise<Exit>;
  readonly #parts: ChaincodeContainerParts;
  readonly #given = new AbortController();
  #attached: Attachment;
  #stopped: Promise<void> | undefined;

  constructor(parts: ChaincodeContainerParts) {
    this.#parts = parts;
    this.#attached = parts.attached;
    this.id = `${parts.ccid}#${parts.id.slice(0, 12)}`;
    this.exited = this.#end().then((end) => this.#clear(end));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Stop, kill, remove; what fails because it is over already is no failure. */
  async #stop(): Promise<void> {
    const { engine, id, graceMs, log } = this.#parts;
    const seconds = Math.ceil(graceMs / 1000);
    const signal = AbortSignal.any([AbortSignal.timeout(timerMs(graceMs + 30_000)), this.#given.signal]);
    try {
      await engine.stop(id, seconds, { signal });
    } catch (thrown) {
      if (statusOf(thrown) === undefined) {
        log.warn('the container could not be stopped', { container: this.#parts.name, reason: messageOf(thrown) });
        this.#given.abort(thrown); // nobody can tell how it ends
      } else if (statusOf(thrown) !== 404) {
        await engine.kill(id, { signal }).catch(() => undefined);
      }
    }
    await this.exited;
  }

  /** How it ended. An engine that is gone is waited for: a container can outlive it. */
  async #end(): Promise<End> {
    const { engine, health, id } = this.#parts;
    const { signal } = this.#given;
    for (;;) {
      try {
        const code = await engine.wait(id, { signal });
        const state = await engine.inspect(id, { signal });
        return { code, outOfMemory: state?.outOfMemory === true };
      } catch (thrown) {
        if (signal.aborted || !isLost(thrown)) return UNKNOWN; // given up, or removed by somebody else
        const back = await orAbort(health.lose(thrown), signal).then(
          () => true,
          () => false,
        );
        if (!back) return UNKNOWN;
        await this.#listenAgain();
      }
    }
  }

  async #listenAgain(): Promise<void> {
    const { engine, id, output } = this.#parts;
    const attached = await engine.attach(id, output.push, { signal: this.#given.signal }).catch(() => undefined);
    if (attached !== undefined) this.#attached = attached;
  }

  async #clear({ code, outOfMemory }: End): Promise<Exit> {
    const { output, trace, log, name } = this.#parts;
    const attached = this.#attached;
    await Promise.race([attached.ended, pause(LAST_OUTPUT_MS, undefined, { ref: false })]);
    attached[Symbol.dispose]();
    output.end();
    await trace.clear();
    const exit = {
      ...endingOf(code),
      lastOutput: [...output.lines.map(packagePaths(PACKAGE_FOLDER)), ...(outOfMemory ? [OUT_OF_MEMORY] : [])],
    };
    log.info('chaincode container ended', { container: name, code: exit.code, signal: exit.signal, ...(outOfMemory && { outOfMemory }) });
    return exit;
  }
}

/** In every image of ours, as in Fabric's. */
const PACKAGE_FOLDER = '/usr/local/src';
const OUT_OF_MEMORY = 'killed by the kernel: out of memory (vm.docker.hostConfig.Memory is the limit)';

/** Docker, like a shell, reports a signal as 128 and its number. */
function endingOf(code: number | null): Pick<Exit, 'code' | 'signal'> {
  const signal = code === null ? undefined : Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return signal === undefined ? { code, signal: null } : { code: null, signal };
}
