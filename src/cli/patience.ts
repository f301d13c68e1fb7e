import { SelvageError } from '../common/errors.ts';
import type { Timers } from '../common/timers.ts';

/** A node that runs says something within this time, milliseconds, whatever it is asked for here. */
const SILENCE_MS = 60_000;

/** Gives up on a node that hangs: its signal aborts with `DEADLINE_EXCEEDED` when nothing was heard for a minute. */
export class Patience implements Disposable {
  readonly signal: AbortSignal;
  readonly #lost = new AbortController();
  readonly #timers: Timers;
  readonly #what: string;
  #waiting: Disposable;

  /** @param what did not happen, such as `the peer at HOST:PORT does not answer` */
  constructor(what: string, timers: Timers, parent: AbortSignal) {
    this.#what = what;
    this.#timers = timers;
    this.signal = AbortSignal.any([parent, this.#lost.signal]);
    this.#waiting = this.#wait();
  }

  /** It is waited for as long again. */
  heard(): void {
    this.#waiting[Symbol.dispose]();
    this.#waiting = this.#wait();
  }

  [Symbol.dispose](): void {
    this.#waiting[Symbol.dispose]();
  }

  #wait(): Disposable {
    return this.#timers.after(SILENCE_MS, () => {
      const advice = 'It may hang: look at its log, or ask another peer of the channel.';
      this.#lost.abort(new SelvageError('DEADLINE_EXCEEDED', `${this.#what}: nothing came for ${SILENCE_MS / 1000} s`, { advice }));
    });
  }
}
