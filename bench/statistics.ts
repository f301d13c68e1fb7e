/** The value that `share` (0 to 1) of the values do not exceed; NaN for none. @param sorted ascending */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = values.filter((each) => !Number.isNaN(each)).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? Number.NaN;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/**
 * How `theirs` compares with `ours`, by pairs: what was measured in the same round shared the same disturbances, so the
 * median of the rounds' ratios says more than the ratio of two medians.
 */
export const pairedRatio = (theirs: readonly number[], ours: readonly number[]): number =>
  median(theirs.map((each, at) => each / (ours[at] ?? Number.NaN)));

/** The same list, beginning elsewhere: whoever is first in a round should not always be the same. */
export const rotated = <T>(list: readonly T[], by: number): readonly T[] =>
  list.map((_, at) => list[(at + by) % list.length]).filter((each) => each !== undefined);
