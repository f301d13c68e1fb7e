import { describe, expect, it } from 'vitest';
import { type Deferred, deferred } from '../../common/deferred.ts';
import { SelvageError } from '../../common/errors.ts';
import { silent } from '../../common/log.ts';
import type { Destination, Links, Neighbour } from '../links.ts';
import { Outbox } from './outbox.ts';

const to = (fill: number): Destination => ({ pkiId: new Uint8Array(32).fill(fill), endpoint: `peer${fill}:7051` });
const envelope = new Uint8Array([1]);
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Links on which what is sent is on its way until a test says otherwise. */
function slow() {
  const sent: { readonly to: number; readonly done: Deferred<void> }[] = [];
  const put = (pkiId: Uint8Array): Promise<void> => {
    const done = deferred<void>();
    sent.push({ to: pkiId[0] ?? 0, done });
    return done.promise;
  };
  const links = { send: (each: Destination) => put(each.pkiId), reply: (each: Neighbour) => put(each.pkiId) } as unknown as Links;
  const unreachable: number[] = [];
  const outbox = new Outbox({ links, mostWaiting: 3, onUnreachable: (pkiId) => unreachable.push(pkiId[0] ?? 0), log: silent });
  return { sent, outbox, unreachable };
}

const neighbour = (fill: number): Neighbour => ({
  ...to(fill),
  mspId: 'Org1MSP',
  identity: new Uint8Array(),
  handshake: { payload: new Uint8Array(), signature: new Uint8Array() },
});

describe('what is said to others', () => {
  it('may be more at a time than Node takes for a leak', async () => {
    const warnings: Error[] = [];
    const heard = (warning: Error): void => void (warning.name === 'MaxListenersExceededWarning' && warnings.push(warning));
    process.on('warning', heard);
    const send = (_: Destination, __: Uint8Array, { signal }: { readonly signal: AbortSignal }): Promise<void> =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    const links = { send } as unknown as Links;
    const outbox = new Outbox({ links, mostWaiting: 20, onUnreachable: () => undefined, log: silent });
    for (let at = 0; at < 20; at += 1) outbox.send(to(1), envelope);
    await settled();
    outbox[Symbol.dispose]();
    process.off('warning', heard);
    expect(warnings).toEqual([]);
  });

  it('is lost where too much is on its way to the same peer, and to nobody else', async () => {
    const { sent, outbox } = slow();
    for (let at = 0; at < 10; at += 1) outbox.send(to(1), envelope);
    outbox.send(to(2), envelope);
    expect(sent.map(({ to: key }) => key)).toEqual([1, 1, 1, 2]);
    expect(outbox.size).toBe(4);
    sent[0]?.done.resolve();
    await settled();
    outbox.send(to(1), envelope);
    outbox.send(to(1), envelope);
    expect(sent).toHaveLength(5);
    for (const { done } of sent) done.resolve();
    await settled();
    expect(outbox.size).toBe(0);
  });

  it('tells of who cannot be reached', async () => {
    const { sent, outbox, unreachable } = slow();
    outbox.send(to(7), envelope);
    sent[0]?.done.reject(new SelvageError('PEER_UNREACHABLE', 'nobody there'));
    await settled();
    expect([unreachable, outbox.size]).toEqual([[7], 0]);
  });

  it('is one answer of a kind at a time: who asks again and does not read makes nothing happen', async () => {
    const { sent, outbox } = slow();
    let made = 0;
    const make = (): Uint8Array => {
      made += 1;
      return envelope;
    };
    for (let at = 0; at < 10; at += 1) outbox.answer(neighbour(1), 'members', make);
    outbox.answer(neighbour(1), 'digest', make);
    outbox.answer(neighbour(2), 'members', make);
    outbox.answer(neighbour(3), 'members', () => undefined);
    expect([made, sent.length, outbox.size]).toEqual([3, 3, 3]);
    for (const { done } of sent) done.resolve();
    await settled();
    outbox.answer(neighbour(1), 'members', make);
    expect([made, outbox.size]).toEqual([4, 1]);
  });

  it('is nothing any more after the end, and who was on the way is not held for dead', async () => {
    const { sent, outbox, unreachable } = slow();
    outbox.send(to(1), envelope);
    outbox[Symbol.dispose]();
    outbox.send(to(1), envelope);
    outbox.answer(neighbour(1), 'members', () => envelope);
    sent[0]?.done.reject(new SelvageError('CANCELLED', 'gossip has stopped'));
    await settled();
    expect([sent.length, unreachable]).toEqual([1, []]);
  });
});
