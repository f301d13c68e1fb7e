import { describe, expect, it } from 'vitest';
import { type Deferred, deferred } from '../../common/deferred.ts';
import { SharedLook } from './shared-look.ts';

/** A look whose results come when the test says so. */
function looking() {
  const begun: Deferred<string>[] = [];
  const look = new SharedLook(() => {
    const result = deferred<string>();
    begun.push(result);
    return result.promise;
  });
  return { look, begun };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a look that many share', () => {
  it('is one for all who ask together, and another for who asks later', async () => {
    const { look, begun } = looking();
    const asked = [look.now(), look.now(), look.now()];
    await turn();
    expect(begun).toHaveLength(1);
    begun[0]?.resolve('first');
    expect(await Promise.all(asked)).toEqual(['first', 'first', 'first']);
    const later = look.now();
    await turn();
    begun[1]?.resolve('second');
    expect(await later).toBe('second');
  });

  it('begins after the question, where another one goes on', async () => {
    const { look, begun } = looking();
    const first = look.now();
    await turn();
    const asked = [look.now(), look.now()];
    await turn();
    expect(begun).toHaveLength(1);
    begun[0]?.resolve('old');
    expect(await first).toBe('old');
    await turn();
    begun[1]?.resolve('new');
    expect([await Promise.all(asked), begun.length]).toEqual([['new', 'new'], 2]);
  });

  it('fails for those who share it, and not for others', async () => {
    const { look, begun } = looking();
    const failing = look.now();
    await turn();
    const next = look.now();
    begun[0]?.reject(new Error('unreadable'));
    await expect(failing).rejects.toThrow('unreadable');
    await turn();
    begun[1]?.resolve('read');
    expect(await next).toBe('read');
  });
});
