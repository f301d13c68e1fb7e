import { randomInt } from 'node:crypto';

/** The same items in any order, each order as likely as another. */
export function shuffled<T>(items: readonly T[]): T[] {
  const left = [...items];
  const taken: T[] = [];
  while (left.length > 0) taken.push(...left.splice(randomInt(left.length), 1));
  return taken;
}
