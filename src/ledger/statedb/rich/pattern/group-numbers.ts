import type { PatternNode } from './pattern-node.ts';
import { PatternError } from './pattern-text.ts';

const NAME = /^[A-Za-z_]\w{0,31}$/;

/** The groups of a regular expression by their numbers and names, while it is read. */
export class GroupNumbers {
  /** How many there will be: what refers to a group may come before it. */
  readonly total: number;
  /** The number of the last one so far; the branches of a `(?|` count from the same one. */
  last = 0;
  readonly #bodies = new Map<number, PatternNode>();
  readonly #names = new Map<string, number[]>();
  readonly #atTheEnd: (() => void)[] = [];

  constructor(pattern: string) {
    this.total = countGroups(pattern);
  }

  /** The number of a group that begins. @throws {PatternError} for a name that is taken */
  begin(name: string | undefined, duplicateNames: boolean): number {
    this.last += 1;
    if (name === undefined) return this.last;
    const numbers = this.#names.get(name);
    if (numbers !== undefined && !duplicateNames) throw new PatternError('two groups with one name');
    this.#names.set(name, [...(numbers ?? []), this.last]);
    return this.last;
  }

  finish(number: number, group: PatternNode): void {
    this.#bodies.set(number, group);
  }

  /** A number of a group, counted from here where it has a sign. */
  relative(sign: string, number: number): number {
    if (sign === '') return number;
    if (number === 0) throw new PatternError('a relative number is 0');
    return sign === '-' ? this.last + 1 - number : this.last + number;
  }

  /** Whose name it is, known at the end only: names may be defined after they are used. */
  named(name: string): () => readonly number[] {
    checkName(name);
    this.atTheEnd(() => {
      if (!this.#names.has(name)) throw new PatternError('a name that no group has');
    });
    return () => this.#names.get(name) ?? [];
  }

  /** Has something done when all groups are known. */
  atTheEnd(step: () => void): void {
    this.#atTheEnd.push(step);
  }

  /** Every group, by its number, the whole being 0. @throws {PatternError} for a name that no group has */
  end(whole: PatternNode): ReadonlyMap<number, PatternNode> {
    for (const step of this.#atTheEnd) step();
    this.#bodies.set(0, whole);
    return this.#bodies;
  }
}

/** @throws {PatternError} for what is no name of a group */
export function checkName(name: string): void {
  if (!NAME.test(name)) throw new PatternError('a bad name of a group');
}

/** How many groups capture. */
function countGroups(text: string): number {
  let groups = 0;
  let inClass = false;
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at];
    if (mark === '\\') {
      if (text[at + 1] === 'Q') {
        const end = text.indexOf('\\E', at);
        at = end < 0 ? text.length : end + 1;
      } else at += 1;
    } else if (inClass) inClass = mark !== ']';
    else if (mark === '[') {
      inClass = true;
      if (text[at + 1] === '^') at += 1;
      if (text[at + 1] === ']') at += 1;
    } else if (mark === '(' && /^\((?!\?|\*)|^\(\?(?:P?<(?![=!])|')/.test(text.slice(at, at + 5))) groups += 1;
  }
  return groups;
}
