import { type Cancellable, type Cancellation, cancellationOf, LazyAbort } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { timerMs } from '../common/timers.ts';

export interface PatientDeadlineParts {
  /** Milliseconds that must count until `signal` aborts with a `DEADLINE_EXCEEDED` error of that `message`. */
  readonly ms: number;
  readonly message: string;
  readonly parent: Cancellable;
  /** Whether the time stands still now. Must not reject. Absent when it never does. */
  readonly paused?: (() => Promise<boolean>) | undefined;
  /** Called once, when it is paused for the first time. */
  readonly onPaused?: (() => void) | undefined;
  /** Milliseconds between two looks at that. */
  readonly lookMs?: number | undefined;
}

/** What is over sooner is never asked whether it is paused: that is nearly every transaction. */
const LOOK_MS = 1_000;

/**
 * A limit in time that stands still while somebody debugs: of the time between two looks nothing counts when it is paused at the
 * second. Like `Deadline` otherwise: dispose it when the work is over, or the timer keeps its memory.
 */
export class PatientDeadline implements Cancellable, Disposable {
  readonly #abort = new LazyAbort();
  readonly #parts: PatientDeadlineParts;
  readonly #leave: () => void;
  #left: number;
  #timer: NodeJS.Timeout | undefined;
  #expired = false;
  #told = false;

  constructor(parts: PatientDeadlineParts) {
    const { ms, parent } = parts;
    this.#parts = parts;
    this.#left = ms;
    this.#leave = cancellationOf(parent).listen((reason) => this.#abort.abort(reason));
    if (!this.#abort.aborted) this.#wait();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get cancellation(): Cancellation {
    return this.#abort;
  }

  /** Whether the time was up; false when it was the parent who gave up. */
  get expired(): boolean {
    return this.#expired;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leave();
  }

  #wait(): void {
    const { paused, lookMs = LOOK_MS } = this.#parts;
    const since = performance.now();
    const ms = timerMs(paused === undefined ? this.#left : Math.min(this.#left, lookMs));
    // Timers count from the beginning of their turn of the event loop, so that they may be early by this clock. To wait for the rest once
    // more would let a limit that began later be over sooner: a transaction would hear that the call which it made ran out of time, and go on.
    const timer = setTimeout(() => void this.#look(timer, Math.max(ms, performance.now() - since)), ms);
    this.#timer = timer;
  }

  async #look(timer: NodeJS.Timeout, passed: number): Promise<void> {
    const paused = (await this.#parts.paused?.()) ?? false;
    if (this.#timer !== timer || this.#abort.aborted) return; // disposed or given up meanwhile
    if (paused) this.#tell();
    else this.#left -= passed;
    if (this.#left > 0) return this.#wait();
    this.#expired = true;
    this.#abort.abort(new SelvageError('DEADLINE_EXCEEDED', this.#parts.message));
  }

  #tell(): void {
    if (this.#told) return;
    this.#told = true;
    this.#parts.onPaused?.();
  }
}
