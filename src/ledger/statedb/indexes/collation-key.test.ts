import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queryFixtureLines } from '../../../../test/recorded-queries.ts';
import { runs } from '../../../../test/runs.ts';
import { collationKey } from './collation-key.ts';

const { compare } = new Intl.Collator('en');
const sign = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const character = fc.oneof(
  fc.constantFrom(...'aAbBzZ-_ .0129éÉåÅøØßæñłđ\u0000\u00adйИи가각힣あアぁ漢字一龥™½\uffff'),
  fc.integer({ min: 0, max: 0x24f }).map((code) => String.fromCodePoint(code)),
  fc.integer({ min: 0x370, max: 0x9fff }).map((code) => String.fromCodePoint(code)),
  fc.integer({ min: 0xac00, max: 0xd7a3 }).map((code) => String.fromCodePoint(code)),
);
const text = fc.array(character, { maxLength: 6 }).map((parts) => parts.join(''));

describe('a collation key', () => {
  it('orders as the collator compares, and is equal where that finds no difference', () => {
    const property = fc.property(text, text, text, (before, a, b) => {
      const [one, other] = [`${before}${a}`, `${before}${b}`];
      const keys = [collationKey(one), collationKey(other)] as const;
      if (keys[0] === undefined || keys[1] === undefined) return;
      expect([one, other, sign(keys[0], keys[1])]).toEqual([one, other, Math.sign(compare(one, other))]);
    });
    fc.assert(property, { numRuns: runs(20_000) });
  });

  it('is had by what most people write, and not by what sorts as several or by what is around it', () => {
    for (const each of ['', 'Tomoko', 'Zoë', 'Łódź', 'Ελλάδα', 'Йошкар-Ола', 'שלום', 'سلام', '서울', '東京', 'とうきょう', 'Nguyễn Văn'])
      expect([each, collationKey(each) !== undefined]).toEqual([each, true]);
    for (const each of ['Straße', 'e\u0301', 'เกม', '😀', '\ud800']) expect([each, collationKey(each)]).toEqual([each, undefined]);
  });

  const recorded = queryFixtureLines<readonly [string, string]>('collation.jsonl');
  it.runIf(recorded.length > 0)('orders what a CouchDB ordered as its own collator would', () => {
    const keyed = recorded.flatMap(([each]) => collationKey(each) ?? []);
    expect(keyed.length).toBeGreaterThan(500);
    const misplaced = keyed.filter((key, at) => at > 0 && sign(keyed[at - 1] ?? '', key) > 0);
    expect(misplaced.length).toBeLessThan(keyed.length / 100);
  });
});
