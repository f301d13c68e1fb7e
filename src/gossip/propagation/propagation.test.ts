import { describe, expect, it } from 'vitest';
import { FakeTimers } from '../../../test/fakes/fake-timers.ts';
import { SETTINGS } from '../../../test/fakes/gossip-network.ts';
import { hex } from '../../common/bytes.ts';
import type { Destination } from '../links.ts';
import type { KnownMember } from '../membership/member-table.ts';
import { readEnvelope } from '../wire/envelope.ts';
import type { Outbox } from './outbox.ts';
import { Propagation, type Rumour } from './propagation.ts';
import { randomChoice } from './random-choice.ts';
import { TokenBuckets } from './token-buckets.ts';

const member = (fill: number, mspId = 'Org1MSP'): KnownMember => {
  const pkiId = new Uint8Array(32).fill(fill);
  const alive = readEnvelope(new Uint8Array());
  const endpoints = { endpoint: `outside${fill}:1`, internalEndpoint: mspId === 'Org1MSP' ? `inside${fill}:1` : undefined };
  return { key: hex(pkiId), pkiId, mspId, identity: pkiId, ...endpoints, alive, lastSeen: 0, dead: false };
};
const rumour = (changed: Partial<Rumour> = {}): Rumour => ({
  envelope: new Uint8Array([1]),
  public: new Uint8Array([2]),
  mayHear: () => true,
  ...changed,
});

function propagating(members: readonly KnownMember[]) {
  const timers = new FakeTimers();
  const sent: { readonly to: string; readonly secret: boolean }[] = [];
  const outbox = { send: (to: Destination, envelope: Uint8Array) => void sent.push({ to: to.endpoint, secret: envelope[0] === 1 }) };
  const propagation = new Propagation({
    mspId: 'Org1MSP',
    alive: () => members,
    outbox: outbox as unknown as Outbox,
    timers,
    settings: SETTINGS,
    random: Math.random,
  });
  return { timers, sent, propagation };
}

describe('a rumour', () => {
  it('goes to three that are chosen at random, when ten milliseconds are over or ten rumours wait', async () => {
    const { timers, sent, propagation } = propagating([1, 2, 3, 4, 5].map((fill) => member(fill)));
    propagation.add(rumour());
    await timers.advance(9);
    expect(sent).toEqual([]);
    await timers.advance(1);
    expect(new Set(sent.map(({ to }) => to)).size).toBe(3);
    for (let at = 0; at < 10; at += 1) propagation.add(rumour());
    expect([sent.length, propagation.waiting, timers.pending]).toEqual([33, 0, 0]);
  });

  it('goes to nobody who may not hear it, nor back to whom it came from, and keeps its secret from others', async () => {
    const members = [member(1), member(2), member(3, 'Org2MSP'), member(4, 'Org3MSP')];
    const { timers, sent, propagation } = propagating(members);
    propagation.add(rumour({ mayHear: ({ mspId }) => mspId !== 'Org3MSP', from: members[0]?.pkiId }));
    await timers.advance(10);
    expect(sent.sort((a, b) => a.to.localeCompare(b.to))).toEqual([
      { to: 'inside2:1', secret: true },
      { to: 'outside3:1', secret: false },
    ]);
  });
});

describe('a choice', () => {
  it('is of different ones, and of all when there are not more', () => {
    for (let times = 0; times < 50; times += 1) expect(new Set(randomChoice([1, 2, 3, 4], 3, Math.random)).size).toBe(3);
    expect(randomChoice([1, 2], 3, Math.random).sort()).toEqual([1, 2]);
    expect(randomChoice([1, 2, 3], 1, () => 0.999999)).toEqual([3]);
  });
});

describe('a budget', () => {
  it('is one for each, used up and filled again with time', async () => {
    const timers = new FakeTimers();
    const budget = new TokenBuckets({ perSecond: 2, burst: 3 }, timers);
    const takes = (key: string): number => [1, 2, 3, 4, 5].filter(() => budget.take(key)).length;
    expect([takes('a'), takes('b')]).toEqual([3, 3]);
    await timers.advance(1_000);
    expect(takes('a')).toBe(2);
    await timers.advance(60_000);
    expect(takes('a')).toBe(3);
  });
});
