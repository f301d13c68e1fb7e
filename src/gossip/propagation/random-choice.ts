/** From 0 up to, and without, 1. */
export type Random = () => number;

/** Some of a list, each as likely as another, in no order. */
export function randomChoice<T>(from: readonly T[], most: number, random: Random): T[] {
  const pool = [...from];
  const chosen: T[] = [];
  while (chosen.length < most && pool.length > 0) {
    const last = pool.length - 1;
    const at = Math.min(last, Math.floor(random() * pool.length));
    const one = pool[at] as T;
    pool[at] = pool[last] as T;
    pool.pop();
    chosen.push(one);
  }
  return chosen;
}
