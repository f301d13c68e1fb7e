import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type Cancellation, cancellationOf, Deadline, LazyAbort, throwIfAborted } from './cancel.ts';

describe('a deadline', () => {
  it('aborts when its time is up, and says so', async () => {
    using deadline = new Deadline(5, 'too late');
    await once(deadline.signal, 'abort');
    expect(deadline.signal.reason).toMatchObject({ code: 'DEADLINE_EXCEEDED', message: 'too late' });
    expect(deadline.expired).toBe(true);
  });

  it('that is longer than a timer can wait does not come at once', async () => {
    using deadline = new Deadline(1e15, 'too late');
    using shorter = new Deadline(20, 'too late');
    await once(shorter.signal, 'abort');
    expect(deadline.signal.aborted).toBe(false);
  });

  it('goes with its parent, and is not over by itself then', () => {
    const parent = new AbortController();
    using deadline = new Deadline(60_000, 'too late', parent.signal);
    parent.abort(new Error('given up'));
    expect(deadline.signal.reason).toMatchObject({ message: 'given up' });
    expect(deadline.expired).toBe(false);
  });
});

const reason = new Error('nobody wants it');

/** Both ways to hear of an end, with what ends it. */
const CANCELLATIONS: readonly [string, () => { readonly cancellation: Cancellation; abort(reason: Error): void }][] = [
  [
    'an abort signal',
    () => {
      const controller = new AbortController();
      return {
        get cancellation() {
          return cancellationOf({ signal: controller.signal });
        },
        abort: (why) => controller.abort(why),
      };
    },
  ],
  [
    'an abort that makes its signal late',
    () => {
      const late = new LazyAbort();
      return { cancellation: late, abort: (why) => late.abort(why) };
    },
  ],
];

describe.each(CANCELLATIONS)('what %s tells', (_, make) => {
  it('is told once, with the first reason, to who still listens', () => {
    const each = make();
    const heard: unknown[] = [];
    each.cancellation.listen((why) => heard.push(['one', why]));
    const stop = each.cancellation.listen((why) => heard.push(['two', why]));
    expect(each.cancellation.aborted).toBe(false);
    stop();
    each.abort(reason);
    each.abort(new Error('later'));
    expect(heard).toEqual([['one', reason]]);
    expect([each.cancellation.aborted, each.cancellation.reason]).toEqual([true, reason]);
  });

  it('is told at once to who asks afterwards', () => {
    const each = make();
    each.abort(reason);
    const heard: unknown[] = [];
    each.cancellation.listen((why) => heard.push(why))();
    expect(heard).toEqual([reason]);
  });
});

describe('an abort that makes its signal late', () => {
  it('says the same by its signal, whenever that is made', () => {
    const [before, after] = [new LazyAbort(), new LazyAbort()];
    const { signal } = before;
    before.abort(reason);
    after.abort(reason);
    for (const made of [signal, before.signal, after.signal]) expect(made.reason).toBe(reason);
    const unmade = {
      cancellation: new LazyAbort(),
      get signal(): never {
        throw new Error('nobody asked for a signal');
      },
    };
    cancellationOf(unmade).listen(() => undefined);
    throwIfAborted(unmade);
    expect(() => throwIfAborted({ signal, cancellation: after })).toThrow(reason);
    expect(() => throwIfAborted({ signal })).toThrow(reason);
  });
});
