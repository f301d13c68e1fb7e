import { describe, expect, it } from 'vitest';
import type { ChaincodeInstance } from '../chaincode/ports/runtime.ts';
import { deferred } from '../common/deferred.ts';
import type { Exit } from '../packages/launch-spec.ts';
import { OpenLaunches } from './open-launches.ts';

const never = new AbortController().signal;

/** Tells in `events` when it is stopped. */
function instance(events: string[]): ChaincodeInstance & { readonly exit: () => void } {
  const exited = deferred<Exit>();
  const exit = () => exited.resolve({ code: 0, signal: null, lastOutput: [] });
  return {
    id: 'one',
    exited: exited.promise,
    exit,
    [Symbol.asyncDispose]: async () => {
      events.push('stopped');
      exit();
    },
  };
}

/** Work that ends when it is told to, and then takes a moment to clean up. */
const untilAborted =
  (events: string[]) =>
  async ({ signal }: { readonly signal: AbortSignal }): Promise<void> => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await new Promise(setImmediate);
    events.push('cleaned up');
    throw new Error('what the work made of it');
  };

describe('OpenLaunches', () => {
  it('ends work first and what runs after it', async () => {
    const events: string[] = [];
    const launches = new OpenLaunches();
    launches.own(instance(events));
    const working = launches.run(untilAborted(events), { signal: never });
    await Promise.all([
      expect(working).rejects.toThrow('what the work made of it'),
      launches[Symbol.asyncDispose]().then(() => events.push('disposed')),
    ]);
    expect(events).toEqual(['cleaned up', 'stopped', 'disposed']);
    await expect(launches.run(({ signal }) => Promise.reject(signal.reason), { signal: never })).rejects.toMatchObject({
      code: 'CANCELLED',
      message: 'the chaincode runtime is shutting down',
    });
  });

  it('gives a caller who left its own reason', async () => {
    const launches = new OpenLaunches();
    const caller = new AbortController();
    const working = launches.run(untilAborted([]), caller);
    caller.abort(new Error('caller left'));
    await expect(working).rejects.toThrow('caller left');
  });

  it('waits for what it watches, also when that fails', async () => {
    const events: string[] = [];
    const gate = deferred<void>();
    const launches = new OpenLaunches();
    const watched = launches.watch(gate.promise);
    const disposed = launches[Symbol.asyncDispose]().then(() => events.push('disposed'));
    await new Promise(setImmediate);
    expect(events).toEqual([]);
    gate.reject(new Error('failed'));
    await Promise.all([expect(watched).rejects.toThrow('failed'), disposed]);
  });

  it('does not stop what has ended by itself', async () => {
    const events: string[] = [];
    const launches = new OpenLaunches();
    const ended = launches.own(instance(events));
    ended.exit();
    await ended.exited;
    await launches[Symbol.asyncDispose]();
    expect(events).toEqual([]);
  });
});
