import { describe, expect, it } from 'vitest';
import { type Deferred, deferred } from '../../common/deferred.ts';
import { Outgoing } from './outgoing.ts';

/** A transport that takes the next envelope when a test lets it. */
function slow(limits: { most: number; mostBytes: number }) {
  const sent: number[] = [];
  const waiting: Deferred<void>[] = [];
  const outgoing = new Outgoing({
    ...limits,
    send: (envelope) => {
      sent.push(envelope.length);
      const taken = deferred<void>();
      waiting.push(taken);
      return taken.promise;
    },
  });
  const take = async (): Promise<void> => {
    waiting.shift()?.resolve();
    await new Promise(setImmediate);
  };
  return { outgoing, sent, take };
}
const bytes = (length: number): Uint8Array => new Uint8Array(length);

describe('what waits to be sent', () => {
  it('is bounded in number: what may be lost is dropped, what may not waits its turn', async () => {
    const { outgoing, sent, take } = slow({ most: 2, mostBytes: 1_000 });
    expect([1, 2, 3, 4].map((length) => outgoing.offer(bytes(length)))).toEqual([true, true, true, false]); // the first is on its way
    let put = false;
    const putting = outgoing.put(bytes(5)).then(() => (put = true));
    await new Promise(setImmediate);
    expect(put).toBe(false);
    await take();
    await putting;
    for (let left = 0; left < 4; left += 1) await take();
    expect(sent).toEqual([1, 2, 3, 5]);
  });

  it('is bounded in bytes, but a single one may be larger', async () => {
    const { outgoing, sent, take } = slow({ most: 10, mostBytes: 100 });
    expect([1, 60, 60, 40].map((length) => outgoing.offer(bytes(length)))).toEqual([true, true, false, true]);
    for (let left = 0; left < 3; left += 1) await take();
    expect(outgoing.offer(bytes(5_000))).toBe(true);
    expect(outgoing.offer(bytes(101))).toBe(true);
    expect(outgoing.offer(bytes(1))).toBe(false);
    expect(sent).toEqual([1, 60, 40, 5_000]);
  });

  it('is let go of when the stream ends, or breaks, and whoever waits is told why', async () => {
    const { outgoing } = slow({ most: 1, mostBytes: 100 });
    for (let sent = 0; sent < 2; sent += 1) outgoing.offer(bytes(1));
    const waiting = [outgoing.put(bytes(1)), outgoing.put(bytes(1))];
    const over = new Error('over');
    outgoing.close(over);
    for (const each of waiting) await expect(each).rejects.toBe(over);
    expect(outgoing.offer(bytes(1))).toBe(false);
    await expect(outgoing.put(bytes(1))).rejects.toBe(over);
    const broken = new Outgoing({ most: 1, mostBytes: 100, send: () => Promise.reject(over) });
    await broken.put(bytes(1));
    await new Promise(setImmediate);
    await expect(broken.put(bytes(1))).rejects.toBe(over);
  });
});
