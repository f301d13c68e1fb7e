import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Deadline } from './cancel.ts';

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
