import { COMMON, collationTable, LEVEL_END, type Weights } from './collation-table.ts';

let table: readonly (Weights | undefined)[] | undefined;

/** Makes what keys are made with, once in a process; takes some tens of milliseconds. */
export function prepareCollationKeys(): readonly (Weights | undefined)[] {
  if (table === undefined) {
    const made: (Weights | undefined)[] = new Array(0x10000).fill(undefined);
    for (const [character, weights] of collationTable()) made[character.charCodeAt(0)] = weights;
    table = made;
  }
  return table;
}

/**
 * Bytes, one character each, that compare as the collator compares the strings, and are equal for strings that it takes for equal. They
 * end by themselves: none is the beginning of another.
 * @returns undefined for a string that has none
 */
export function collationKey(text: string): string | undefined {
  const weights = prepareCollationKeys();
  let [primary, secondary, tertiary] = ['', '', ''];
  for (let at = 0; at < text.length; at += 1) {
    const of = weights[text.charCodeAt(at)];
    if (of === undefined) return undefined;
    primary += of.primary;
    secondary += of.secondary;
    tertiary += of.tertiary;
  }
  return primary + LEVEL_END + trimmed(secondary) + LEVEL_END + trimmed(tertiary) + LEVEL_END;
}

/** Without the least weights at its end, which say nothing. */
function trimmed(level: string): string {
  let end = level.length;
  while (end > 0 && level[end - 1] === COMMON) end -= 1;
  return level.slice(0, end);
}
