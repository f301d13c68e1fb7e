import { setMaxListeners } from 'node:events';
import { constants } from 'node:os';
import { SelvageError } from '../common/errors.ts';
import { timerMs } from '../common/timers.ts';

/** A signal that the process got. */
export interface HeardSignal {
  readonly name: keyof typeof MEANINGS;
  /** As Go writes it: `15 (terminated)`. */
  readonly text: string;
}

/** Hears what happens to the process. Must not throw. */
export interface ProcessListener {
  readonly signalled?: (signal: HeardSignal) => void;
  /** Something failed where nobody waited for it; the process ends in order afterwards. */
  readonly failed?: (error: SelvageError) => void;
  /** Node itself warns of something, like the use of what is deprecated. */
  readonly warned?: (warning: Error) => void;
  /** The end takes too long, so the process ends now: the last moment to say something. */
  readonly cut?: () => void;
}

const MEANINGS = { SIGHUP: 'hangup', SIGINT: 'interrupt', SIGTERM: 'terminated', SIGUSR1: 'user defined signal 1' } as const;
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** An orderly end takes no longer, unless {@link WatchedProcess.allow} says so. */
const END_WITHIN_MS = 30_000;

/**
 * The one place that hears signals and what fails where nobody waits for it. Either has everything told to stop by {@link signal}; a
 * process that still runs some time later is ended, so that no stop takes for ever.
 */
export class WatchedProcess {
  readonly #end = new AbortController();
  readonly #listeners = new Set<ProcessListener>();
  #endWithinMs: number;
  #failure: SelvageError | undefined;

  /** @param options the shortest time that an end may take, in milliseconds */
  constructor({ endWithinMs = END_WITHIN_MS }: { readonly endWithinMs?: number } = {}) {
    this.#endWithinMs = endWithinMs;
    setMaxListeners(0, this.signal); // every call that is under way listens, and there is no bound on their number
    for (const name of ENDING) process.once(name, () => this.#signalled(name, true)); // a second one ends the process at once
    process.on('SIGUSR1', () => this.#signalled('SIGUSR1', false));
    process.on('uncaughtException', (thrown) => this.#failed(thrown));
    process.on('unhandledRejection', (thrown) => this.#failed(thrown));
    process.removeAllListeners('warning'); // Node's own prints them among our lines
    process.on('warning', (warning) => this.#tell((listener) => listener.warned?.(warning)));
  }

  /** Aborts when the process is to end. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** What failed where nobody waited for it, the first such thing. */
  get failure(): SelvageError | undefined {
    return this.#failure;
  }

  listen(listener: ProcessListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Gives the end at least so much time, in milliseconds. */
  allow(ms: number): void {
    this.#endWithinMs = Math.max(this.#endWithinMs, ms);
  }

  /** Has everything told to stop. */
  end(reason: Error): void {
    if (this.signal.aborted) return;
    this.#end.abort(reason);
    setTimeout(() => this.#cut(), timerMs(this.#endWithinMs)).unref();
  }

  #tell(tell: (listener: ProcessListener) => void): void {
    for (const listener of this.#listeners) tell(listener);
  }

  #signalled(name: HeardSignal['name'], ends: boolean): void {
    const signal = { name, text: `${constants.signals[name]} (${MEANINGS[name]})` };
    this.#tell((listener) => listener.signalled?.(signal));
    if (ends) this.end(new Error(name));
  }

  #failed(thrown: unknown): void {
    const error = SelvageError.from(thrown);
    this.#failure ??= error;
    this.#tell((listener) => listener.failed?.(error));
    this.end(error);
  }

  #cut(): void {
    this.#tell((listener) => listener.cut?.());
    process.stderr.write(`Error: the end took longer than ${this.#endWithinMs / 1000} s and is not waited for.\n`);
    process.exit(1);
  }
}
