import { describe, expect, it } from 'vitest';
import type { Condition, NestingOperator, ValueOperator } from './condition.ts';
import { Effort } from './effort.ts';
import { beginsWithClusters } from './grapheme-prefix.ts';
import type { JsonValue } from './json-value.ts';
import { Matcher } from './matcher.ts';
import { PatternRuns } from './pattern/pattern-runs.ts';
import { RichDocument } from './rich-document.ts';

const TOO_LONG = 'rich query refused: judging one document by this selector takes too long; make the selector simpler';

/** Judges the document `{"a": value}` by a condition on `a`. */
function judged(of: Condition, value: unknown): boolean {
  const document = new RichDocument({ key: 'k', value: Buffer.from(JSON.stringify({ a: value })), version: { blockNum: 1n, txNum: 0n } });
  return new Matcher({ kind: 'field', name: 'a', of }).matches(document, new PatternRuns(() => new Error('too many')));
}

const value = (operator: ValueOperator, argument: JsonValue): Condition => ({ kind: 'value', operator, argument });
const nested = (operator: NestingOperator, of: Condition): Condition => ({ kind: 'nested', operator, of });

/** Arrays that differ in their last element alone. */
const rowOf = (last: number): number[] => [...Array<number>(999).fill(1), last];
const argumentOf = (last: number): JsonValue => rowOf(last).map(BigInt);
const rows = Array.from({ length: 450 }, () => rowOf(0));
const others = Array.from({ length: 10 }, (_, at) => argumentOf(at + 1));

describe('The bounds of a selector', () => {
  it('counts what is compared inside of arrays', () => {
    const different: Condition = { kind: 'and', of: others.map((other) => value('$ne', other)) };
    expect(() => judged(nested('$allMatch', different), rows)).toThrow(TOO_LONG);
    expect(judged(nested('$allMatch', different), rows.slice(0, 5))).toBe(true);
    expect(() => judged(value('$in', others), rows)).toThrow(TOO_LONG);
    expect(judged(value('$in', others), [rowOf(7)])).toBe(true);
    expect(() => judged(value('$all', others), rows)).toThrow(TOO_LONG);
    expect(judged(value('$all', others.slice(0, 2)), [rowOf(1), rowOf(2)])).toBe(true);
  });

  it('counts long arrays and objects that are looked at again and again', () => {
    const often = (of: Condition): Condition => ({ kind: 'and', of: Array.from({ length: 50 }, () => of) });
    const numbers = Array.from({ length: 10_000 }, (_, at) => at);
    expect(() => judged(often(value('$gt', [-1n])), numbers)).toThrow(TOO_LONG);
    const members = Object.fromEntries(numbers.map((at) => [`m${at}`, at]));
    expect(() => judged(often(nested('$keyMapMatch', value('$eq', 'm0'))), members)).toThrow(TOO_LONG);
    expect(judged(nested('$keyMapMatch', value('$eq', 'm0')), members)).toBe(true);
  });

  it('finds where a character ends without looking at what follows the next one', () => {
    const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
    const text =
      'e\u0301a\r\n\u{1f1e9}\u{1f1ea}\u{1f1eb}\u{1f1f7}\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u0915\u094d\u0937\u1100\u1161x\u{1f44d}\u{1f3fd}z';
    const starts = new Set([...segmenter.segment(text)].map(({ index }) => index));
    for (let length = 1; length < text.length; length += 1) {
      const prefix = text.slice(0, length);
      if (prefix.isWellFormed()) expect(beginsWithClusters(text, prefix, new Effort()), JSON.stringify(prefix)).toBe(starts.has(length));
    }
  });
});
