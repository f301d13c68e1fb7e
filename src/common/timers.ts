import { type Clock, systemClock } from './clock.ts';

/** What time it is, and what is to happen later. A part, so that tests can let hours pass at once. */
export interface Timers extends Clock {
  /** Calls `work`, which must not throw, once in `ms` milliseconds, unless the result is disposed before. */
  after(ms: number, work: () => void): Disposable;
}

/** The longest that Node's timers wait, in milliseconds, which is 24 days; asked for more, they would not wait at all. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What to hand a timer for a time that somebody chose. */
export const timerMs = (ms: number): number => Math.min(ms, LONGEST_TIMER_MS);

/** The time of this machine. What waits keeps no process alive. */
export const systemTimers: Timers = {
  ...systemClock,
  after: (ms, work) => {
    const timer = setTimeout(work, timerMs(ms)).unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Calls `work` every `ms` milliseconds, for the first time after that long, until the result is disposed. */
export function every(timers: Timers, ms: number, work: () => void): Disposable {
  let next: Disposable;
  const arm = (): void => {
    next = timers.after(ms, () => {
      arm();
      work();
    });
  };
  arm();
  return { [Symbol.dispose]: () => next[Symbol.dispose]() };
}
