import { cutText } from '../common/cut-text.ts';
import { likelyCause } from './likely-cause.ts';
import type { ResponseDifference, Side } from './response-differences.ts';
import { partText } from './short-difference.ts';
import { bytesText, plain } from './shown.ts';

const MOST_DIFFERENCES = 12;
const MOST_PATHS = 8;
const MOST_VALUE = 60;

/** Two answers, by who gave them. */
export interface Compared {
  readonly first: string;
  readonly second: string;
  readonly differences: readonly ResponseDifference[];
}

/** What differs between two answers, for people. */
export function differenceLines({ first, second, differences }: Compared): readonly string[] {
  if (differences.length === 0) return [`${plain(first)} and ${plain(second)} answer the same`];
  const more = differences.length - MOST_DIFFERENCES;
  return [
    `${plain(first)} and ${plain(second)} differ in ${differences.length === 1 ? 'one place' : `${differences.length} places`}`,
    ...differences.slice(0, MOST_DIFFERENCES).flatMap(linesOf),
    ...(more > 0 ? [`  and ${more} more`] : []),
    `  ${likelyCause(differences)}`,
  ];
}

function linesOf(difference: ResponseDifference): readonly string[] {
  const { before, after, paths } = difference;
  const what = partText(difference);
  if (paths === undefined || paths.some(({ path }) => path === '')) return [`  ${what}: ${sideText(before)} → ${sideText(after)}`];
  if (paths.length === 0) return [`  ${what}: the same JSON in other bytes`];
  const more = paths.length - MOST_PATHS;
  return [
    `  ${what}`,
    ...paths.slice(0, MOST_PATHS).map((each) => `    ${plain(each.path)}: ${valueText(each.before)} → ${valueText(each.after)}`),
    ...(more > 0 ? [`    and ${more} more places`] : []),
  ];
}

const sideText = (side: Side | undefined): string => {
  if (side === undefined) return 'nothing';
  return side.value === undefined ? side.kind || 'another' : bytesText(side.value, MOST_VALUE) || 'empty';
};

const valueText = (value: unknown): string => (value === undefined ? 'nothing' : plain(cutText(JSON.stringify(value), MOST_VALUE)));
