import { describe, expect, it, vi } from 'vitest';
import { deferred } from '../common/deferred.ts';
import { PatientDeadline } from './patient-deadline.ts';

const never = new AbortController().signal;
const ended = (deadline: PatientDeadline): Promise<unknown> =>
  new Promise((resolve) => {
    deadline.signal.addEventListener('abort', () => resolve(deadline.signal.reason), { once: true });
  });

describe('PatientDeadline', () => {
  it('aborts when its time is up, and says so', async () => {
    using deadline = new PatientDeadline({ ms: 5, message: 'too late', parent: { signal: never } });
    expect(await ended(deadline)).toMatchObject({ code: 'DEADLINE_EXCEEDED', message: 'too late' });
    expect(deadline.expired).toBe(true);
  });

  it('aborts when its time is up and nothing pauses it', async () => {
    using deadline = new PatientDeadline({ ms: 20, message: 'too late', parent: { signal: never }, paused: async () => false, lookMs: 5 });
    expect(await ended(deadline)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('stands still as long as it is paused, and goes on with what was left', async () => {
    let looks = 0;
    const paused = async (): Promise<boolean> => {
      looks += 1;
      return looks <= 10;
    };
    const onPaused = vi.fn();
    using deadline = new PatientDeadline({ ms: 10, message: 'too late', parent: { signal: never }, paused, onPaused, lookMs: 3 });
    expect(await ended(deadline)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(onPaused).toHaveBeenCalledTimes(1);
    expect(looks).toBeGreaterThan(10); // ten looks of 3 ms are three times its limit
  });

  it('is not asked whether it is paused before the first look', async () => {
    const paused = vi.fn(async () => true);
    using deadline = new PatientDeadline({ ms: 60_000, message: 'too late', parent: { signal: never }, paused });
    await new Promise(setImmediate);
    expect(paused).not.toHaveBeenCalled();
    expect(deadline.signal.aborted).toBe(false);
  });

  it('gives up with its parent, also one that gave up before', async () => {
    const parent = new AbortController();
    using deadline = new PatientDeadline({ ms: 60_000, message: 'too late', parent });
    parent.abort(new Error('caller left'));
    expect(deadline.signal.reason).toEqual(new Error('caller left'));
    expect(deadline.expired).toBe(false);
    using late = new PatientDeadline({ ms: 60_000, message: 'too late', parent });
    expect(late.signal.reason).toEqual(new Error('caller left'));
  });

  it('does nothing more once it is disposed, though a look is under way', async () => {
    const asked = deferred<void>();
    const answer = deferred<boolean>();
    const paused = (): Promise<boolean> => {
      asked.resolve();
      return answer.promise;
    };
    const deadline = new PatientDeadline({ ms: 1, message: 'too late', parent: { signal: never }, paused });
    await asked.promise;
    deadline[Symbol.dispose]();
    answer.resolve(false);
    await new Promise(setImmediate);
    expect(deadline.signal.aborted).toBe(false);
  });

  it('that began first ends first, where both have the same time', async () => {
    const over: string[] = [];
    const all: Promise<unknown>[] = [];
    const begin = (which: string): void => {
      const deadline = new PatientDeadline({ ms: 30, message: 'too late', parent: { signal: never } });
      all.push(ended(deadline).then(() => over.push(which)));
    };
    for (let pair = 0; pair < 500; pair += 1) {
      const turn = performance.now();
      while (performance.now() - turn < 0.9); // timers count from the beginning of their turn of the event loop
      begin(`outer ${pair}`);
      await new Promise(setImmediate);
      begin(`inner ${pair}`);
    }
    await Promise.all(all);
    const late = Array.from({ length: 500 }, (_, pair) => pair).filter(
      (pair) => over.indexOf(`inner ${pair}`) < over.indexOf(`outer ${pair}`),
    );
    expect(late).toEqual([]);
  });
});
