import { describe, expect, it } from 'vitest';
import { ByteBudget } from './byte-budget.ts';

const client = (): object => ({});

describe('a budget of bytes', () => {
  it('ends the largest call of a connection that holds too much, and no other', () => {
    const budget = new ByteBudget({ perConnection: 10_000, total: 100_000 });
    const ended: string[] = [];
    const one = client();
    const small = budget.open(one, () => ended.push('small'));
    const large = budget.open(one, () => ended.push('large'));
    const other = budget.open(client(), () => ended.push('other'));
    other.received(9_000);
    large.received(8_000);
    small.received(1_000);
    expect(ended).toEqual([]);
    small.received(1_000);
    expect(ended).toEqual(['large']);
    expect(budget.held).toBe(9_000 + 2_000 + 3 * 200);
  });

  it('ends the largest of all when all hold too much, whoever spoke last', () => {
    const budget = new ByteBudget({ perConnection: 50_000, total: 60_000 });
    const ended: string[] = [];
    const large = budget.open(client(), () => ended.push('large'));
    large.received(40_000);
    for (let at = 0; at < 100; at += 1) budget.open(client(), () => ended.push(`small ${at}`)).received(1_000);
    expect(ended[0]).toBe('large');
    expect(budget.held).toBeLessThanOrEqual(60_000);
    expect(ended.length).toBeLessThan(60);
  });

  it('counts what pieces cost beside their bytes', () => {
    const budget = new ByteBudget({ perConnection: 10_000, total: 10_000 });
    let ended = false;
    const call = budget.open(client(), () => {
      ended = true;
    });
    for (let at = 0; at < 60; at += 1) call.received(1);
    expect(ended).toBe(true);
    expect(budget.held).toBe(0);
  });

  it('counts what messages cost that wait beside their bytes, but for one that is as large as may be', () => {
    const budget = new ByteBudget({ perConnection: 10_000, total: 10_000 });
    let ended = 0;
    const end = (): void => {
      ended += 1;
    };
    const one = budget.open(client(), end, 1_000);
    one.received(1_000);
    one.waits();
    expect([ended, budget.held]).toEqual([0, 1_400]);
    one.consumed(1_000);
    expect(budget.held).toBe(0);
    one.received(30);
    for (let at = 0; at < 6; at += 1) one.waits();
    expect([ended, budget.held]).toEqual([1, 0]);
  });

  it('gives back what was read, and everything in the end', () => {
    const budget = new ByteBudget({ perConnection: 10_000, total: 10_000 });
    const call = budget.open(client(), () => undefined);
    for (let round = 0; round < 1_000; round += 1) {
      call.received(1_000);
      call.received(1_005);
      call.consumed(2_000);
    }
    expect(budget.held).toBeLessThan(8_000);
    call[Symbol.dispose]();
    call.received(1_000);
    expect(budget.held).toBe(0);
  });
});
