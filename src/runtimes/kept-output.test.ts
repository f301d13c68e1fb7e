import { describe, expect, it } from 'vitest';
import { KeptOutput } from './kept-output.ts';

const linesOf = (count: number): readonly string[] => {
  const output = new KeptOutput();
  for (let at = 1; at <= count; at += 1) output.add(`line ${at}`);
  return output.lines;
};

describe('an output that is kept', () => {
  it('is whole as long as it is short', () => {
    expect(linesOf(0)).toEqual([]);
    expect(linesOf(800)).toEqual(Array.from({ length: 800 }, (_, at) => `line ${at + 1}`));
  });

  it.each([801, 1_399, 1_401, 5_000])('of %d lines has its beginning, its end, and how much is missing', (count) => {
    const lines = linesOf(count);
    expect(lines).toHaveLength(801);
    expect(lines.slice(0, 200).at(-1)).toBe('line 200');
    expect(lines[200]).toBe(`(${count - 800} more lines)`);
    expect(lines[201]).toBe(`line ${count - 599}`);
    expect(lines.at(-1)).toBe(`line ${count}`);
  });

  it('has no lines without end', () => {
    const output = new KeptOutput();
    output.add('x'.repeat(1e6));
    expect(output.lines[0]).toHaveLength(2_000);
  });
});
