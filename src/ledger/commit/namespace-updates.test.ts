import { describe, expect, it, vi } from 'vitest';
import { NamespaceUpdates } from './namespace-updates.ts';

const update = { value: undefined, version: { blockNum: 1n, txNum: 0n }, txId: 'tx' };
const keyOf = (number: number): string => String(number).padStart(6, '0');

describe('updates of a namespace', () => {
  it('stay in the order of their bytes, however they come between two looks', () => {
    const updates = new NamespaceUpdates();
    const expected: string[] = [];
    for (const [round, count] of [3, 1, 100, 2, 40].entries()) {
      for (let at = 0; at < count; at += 1) {
        const key = `${(at * 7919) % 997}-${round}-\u{1f600}`;
        updates.set(key, update);
        expected.push(key);
      }
      expect(updates.keys()).toEqual(expected.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }
  });

  it('are not moved one by one when many follow a look', () => {
    const updates = new NamespaceUpdates();
    for (let at = 0; at < 2_000; at += 2) updates.set(keyOf(at), update);
    updates.keys();
    const splice = vi.spyOn(Array.prototype, 'splice');
    for (let at = 1; at < 2_000; at += 2) updates.set(keyOf(at), update);
    const sorted = updates.keys();
    const moves = splice.mock.calls.length;
    splice.mockRestore();
    expect(moves).toBe(0);
    expect(sorted).toEqual(Array.from({ length: 2_000 }, (_, at) => keyOf(at)));
  });
});
