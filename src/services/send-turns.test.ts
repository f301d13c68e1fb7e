import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { SendTurns } from './send-turns.ts';

it('lets streams send in their order, so much in one turn of the event loop and no more', async () => {
  const turns = new SendTurns({ bytesPerTurn: 10 });
  const sent: number[] = [];
  const all = Array.from({ length: 9 }, async (_, at) => {
    await turns.take(at === 4 ? 100 : 4);
    sent.push(at);
  });
  await Promise.resolve();
  const seen: number[] = [];
  while (sent.length < all.length) {
    seen.push(sent.length);
    await nextTurn();
  }
  await Promise.all(all);
  expect(sent).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(seen[0]).toBe(3);
  expect(seen.length).toBeGreaterThan(2);
  await turns.take(4);
});
