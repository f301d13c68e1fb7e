import type { Effort } from './effort.ts';

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Whether the grapheme clusters of a text begin with those of another one: `a` is no prefix of an `a` with an accent that follows. */
export function beginsWithClusters(text: string, prefix: string, effort: Effort): boolean {
  if (!text.startsWith(prefix)) return false;
  effort.spend(prefix.length >> 2);
  if (prefix === '' || prefix.length === text.length) return true;
  // Where one ends depends on what comes before and on the next character alone; the segmenter copies all that it is given.
  return segmenter.segment(text.slice(0, prefix.length + 2)).containing(prefix.length)?.index === prefix.length;
}
