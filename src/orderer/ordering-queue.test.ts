import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { OrderingQueue } from './ordering-queue.ts';

describe('the ordering queue', () => {
  it('hands messages on in the order they came', async () => {
    const queue = new OrderingQueue<number>(10);
    await Promise.all([1, 2, 3].map((message) => queue.push(message)));
    assert.equal(queue.length, 3);
    for (const message of [1, 2, 3]) assert.deepEqual(await queue.next(), { is: 'message', message });
  });

  it('waits for a message', async () => {
    const queue = new OrderingQueue<number>(10);
    const next = queue.next();
    await queue.push(7);
    assert.deepEqual(await next, { is: 'message', message: 7 });
  });

  it('says when nothing came in time, and goes on after', async () => {
    const queue = new OrderingQueue<number>(10);
    assert.deepEqual(await queue.next(1), { is: 'timeout' });
    await queue.push(7);
    assert.deepEqual(await queue.next(60_000), { is: 'message', message: 7 });
  });

  it('lets who brings too much wait until there is room', async () => {
    const queue = new OrderingQueue<number>(1);
    await queue.push(1);
    let accepted = false;
    const second = queue.push(2).then((taken) => (accepted = taken));
    await Promise.resolve();
    assert.equal(accepted, false);
    assert.equal(queue.length, 1);
    await queue.next();
    assert.equal(await second, true);
  });

  it('gives what it holds after closing, then the end, and refuses more', async () => {
    const queue = new OrderingQueue<number>(1);
    await queue.push(1);
    const waiting = queue.push(2);
    queue.close();
    assert.equal(await waiting, false);
    assert.equal(await queue.push(3), false);
    assert.deepEqual(await queue.next(), { is: 'message', message: 1 });
    assert.deepEqual(await queue.next(), { is: 'closed' });
  });

  it('ends a wait when it closes', async () => {
    const queue = new OrderingQueue<number>(1);
    const next = queue.next();
    queue.close();
    assert.deepEqual(await next, { is: 'closed' });
  });
});
