import { describe, expect, it } from 'vitest';
import { deferred } from './deferred.ts';
import { Delivery } from './incoming.ts';

describe('Delivery', () => {
  it('hands over many items in their order, lets others have their turn between, and ends once', async () => {
    const waiting = Array.from({ length: 1000 }, (_, index) => index);
    const source = {
      take: () => waiting.shift(),
      get over() {
        return waiting.length === 0 ? { failure: undefined } : undefined;
      },
    };
    const [heard, ends, end] = [[] as number[], [] as unknown[], deferred<void>()];
    const delivery = new Delivery(source, {
      received: (item) => {
        heard.push(item);
        return item % 7 === 0 ? Promise.resolve() : undefined; // a promise alone gives nobody a turn
      },
      ended: (failure) => {
        ends.push(failure);
        end.resolve();
      },
    });
    delivery.proceed();
    const seen: number[] = [];
    while (ends.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(heard.length);
      delivery.proceed(); // something came, which must not call it back early
    }
    await end.promise;
    expect(heard).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    expect(seen[0]).toBeLessThanOrEqual(512);
    expect(seen.length).toBeGreaterThanOrEqual(2);
    expect(ends).toEqual([undefined]);
  });
});
