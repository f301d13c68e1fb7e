import { randomInt } from 'node:crypto';

/** A whole number from 0 up to, and without, `below`. */
export type Choose = (below: number) => number;

/** The same items in any order, each order as likely as another. */
export function shuffled<T>(items: readonly T[], choose: Choose = randomInt): T[] {
  const left = [...items];
  const taken: T[] = [];
  while (left.length > 0) taken.push(...left.splice(left.length === 1 ? 0 : choose(left.length), 1));
  return taken;
}
