import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type LogFields, silent } from './log.ts';
import { Refusals } from './refusals.ts';

let lines: [level: string, message: string, fields: LogFields | undefined][];
const log = {
  ...silent,
  debug: (message: string, fields?: LogFields) => void lines.push(['debug', message, fields]),
  warn: (message: string, fields?: LogFields) => void lines.push(['warn', message, fields]),
};
const told = () => lines.filter(([level]) => level === 'warn');

describe('refusals', () => {
  beforeEach(() => {
    lines = [];
    vi.useFakeTimers();
  });
  afterEach(() => vi.useRealTimers());

  it('are told once and then by their number, however many they are', () => {
    const refusals = new Refusals(log, 'proposal refused', { everyMs: 60_000 });
    refusals.note({ reason: 'the first' });
    for (let at = 0; at < 10_000; at += 1) refusals.note({ reason: 'x'.repeat(10_000) });
    expect(told()).toEqual([['warn', 'proposal refused', { reason: 'the first' }]]);
    vi.advanceTimersByTime(60_000);
    const last = { reason: `${'x'.repeat(500)}… (9500 more characters)` };
    expect(told()[1]).toEqual(['warn', 'proposal refused, again and again', { times: 10_000, seconds: 60, last }]);
    vi.advanceTimersByTime(600_000);
    expect(told()).toHaveLength(2);
  });

  it('are each in the log at debug, and told at once again after a quiet time', () => {
    const refusals = new Refusals(log, 'proposal refused', { everyMs: 1_000 });
    refusals.note({ at: 1 });
    refusals.note({ at: 2 });
    vi.advanceTimersByTime(2_000);
    refusals.note({ at: 3 });
    expect(lines.map(([level, , fields]) => [level, fields?.['at'] ?? fields?.['times']])).toEqual([
      ['warn', 1],
      ['debug', 2],
      ['warn', 1],
      ['warn', 3],
    ]);
  });
});
