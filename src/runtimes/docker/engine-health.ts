import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { DockerEngine } from './engine.ts';

export interface EngineHealthParts {
  readonly engine: DockerEngine;
  readonly log: Logger;
  /** Milliseconds between two looks at an engine that is gone. */
  readonly intervalMs: number;
  /** Ends the watch. */
  readonly over: AbortSignal;
}

/** Says once that the engine is gone, and once that it is back. */
export class EngineHealth {
  readonly #parts: EngineHealthParts;
  #back: Promise<void> | undefined;

  constructor(parts: EngineHealthParts) {
    this.#parts = parts;
  }

  /**
   * Tells that a call failed because the engine did not answer. From then on it is watched.
   * @returns when it answers again; rejects when the watch is over before
   */
  lose(failure: unknown): Promise<void> {
    if (this.#back !== undefined) return this.#back;
    const { engine, log, over } = this.#parts;
    const { advice } = SelvageError.from(failure);
    log.error('the Docker engine is lost', { endpoint: engine.endpoint, reason: messageOf(failure), ...(advice && { advice }) });
    this.#back = this.#watch(over).finally(() => {
      this.#back = undefined;
    });
    this.#back.catch(() => undefined);
    return this.#back;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { engine, log, intervalMs } = this.#parts;
    const since = performance.now();
    for (;;) {
      await pause(intervalMs, undefined, { signal, ref: false });
      const answered = await engine.version({ signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) }).catch(() => undefined);
      signal.throwIfAborted();
      if (answered === undefined) continue;
      log.info('the Docker engine answers again', { version: answered.version, lostMs: Math.round(performance.now() - since) });
      return;
    }
  }
}
