import { describe, expect, it } from 'vitest';
import { parseGoDuration, parseInteger } from './go-values.ts';

describe('a whole number', () => {
  it.each([
    ['1', 1n],
    ['+7', 7n],
    ['-12', -12n],
    ['0', 0n],
    ['0x1F', 31n],
    ['0b101', 5n],
    ['0o17', 15n],
    ['017', 15n],
    ['1_000', 1000n],
    ['0x_f', 15n],
  ])('may be written %s', (text, value) => {
    expect(parseInteger(text)).toBe(value);
  });

  it.each(['', 'one', '1.0', '1e3', '09', '1_', '_1', '1__0', '0x', ' 1'])('is not %j', (text) => {
    expect(parseInteger(text)).toBeUndefined();
  });
});

describe('a duration', () => {
  it.each([
    ['30s', 30_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['0', 0],
    ['-2s', -2000],
    ['250ms', 250],
  ])('may be written %s', (text, ms) => {
    expect(parseGoDuration(text)).toEqual({ ms });
  });

  it.each([
    ['30', 'time: missing unit in duration "30"'],
    ['1m30', 'time: missing unit in duration "1m30"'],
    ['3x', 'time: unknown unit "x" in duration "3x"'],
    ['soon', 'time: invalid duration "soon"'],
    ['', 'time: invalid duration ""'],
    ['1h.', 'time: invalid duration "1h."'],
    ['3x soon', 'time: unknown unit "x soon" in duration "3x soon"'],
    [`${'1'.repeat(100)}.`, `time: missing unit in duration "${'1'.repeat(100)}."`], // and at once: no text is looked at in many ways
    [`${'1'.repeat(100)}..`, `time: missing unit in duration "${'1'.repeat(100)}.."`],
  ])('is not %j', (text, refusal) => {
    expect(parseGoDuration(text)).toEqual({ refusal });
  });
});
