import { describe, expect, it } from 'vitest';
import { SharedWork } from './shared-work.ts';
import { Turnstile } from './turnstile.ts';

const never = { signal: new AbortController().signal };

/** Work that ends when the test says so, and hears when it is aborted. */
function controlled() {
  let finish: (value: string) => void = () => undefined;
  let runs = 0;
  let aborted = 0;
  const work = ({ signal }: { readonly signal: AbortSignal }) => {
    runs += 1;
    return new Promise<string>((resolve, reject) => {
      finish = resolve;
      signal.addEventListener('abort', () => {
        aborted += 1;
        reject(new Error('stopped'));
      });
    });
  };
  return { work, finish: (value: string) => finish(value), runs: () => runs, aborted: () => aborted };
}

describe('shared work', () => {
  it('is done once for all who ask, and again for who asks later', async () => {
    const { work, finish, runs } = controlled();
    const shared = new SharedWork<string>();
    const asked = [1, 2, 3].map(() => shared.run('key', work, never));
    finish('done');
    expect(await Promise.all(asked)).toEqual(['done', 'done', 'done']);
    expect(runs()).toBe(1);
    const later = shared.run('key', work, never);
    finish('again');
    expect(await later).toBe('again');
  });

  it('goes on for those who stay when one leaves', async () => {
    const { work, finish, aborted } = controlled();
    const shared = new SharedWork<string>();
    const leaver = new AbortController();
    const left = shared.run('key', work, leaver);
    const stays = shared.run('key', work, never);
    leaver.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    expect(aborted()).toBe(0);
    finish('done');
    expect(await stays).toBe('done');
  });

  it('is aborted when the last one leaves, who hears its own reason', async () => {
    const { work, aborted, runs, finish } = controlled();
    const shared = new SharedWork<string>();
    const callers = [new AbortController(), new AbortController()];
    const waits = callers.map((caller) => shared.run('key', work, caller));
    const settled = Promise.allSettled(waits);
    for (const [at, caller] of callers.entries()) caller.abort(new Error(`left ${at}`));
    expect((await settled).map((outcome) => outcome.status === 'rejected' && String(outcome.reason))).toEqual([
      'Error: left 0',
      'Error: left 1',
    ]);
    expect(aborted()).toBe(1);
    const anew = shared.run('key', work, never);
    finish('done');
    expect([await anew, runs()]).toEqual(['done', 2]);
  });
});

describe('a turnstile', () => {
  it('lets no more through than it may, and skips who left the line', async () => {
    const turnstile = new Turnstile(1);
    const order: string[] = [];
    let open: () => void = () => undefined;
    const first = turnstile.run(
      () =>
        new Promise<void>((resolve) => {
          open = resolve;
        }),
      never,
    );
    const leaver = new AbortController();
    const left = turnstile.run(async () => void order.push('left'), leaver);
    const third = turnstile.run(async () => void order.push('third'), never);
    leaver.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    expect(order).toEqual([]);
    open();
    await Promise.all([first, third]);
    expect(order).toEqual(['third']);
    await turnstile.run(async () => void order.push('fourth'), never);
    expect(order).toEqual(['third', 'fourth']);
  });
});
