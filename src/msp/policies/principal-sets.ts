import { randomInt } from 'node:crypto';
import { SelvageError } from '../../common/errors.ts';
import type { common } from '../../protos/messages.ts';

/** Principals that satisfy a policy together. One that stands there twice asks for two signers. */
export type PrincipalSet = readonly common.MSPPrincipal[];

export interface EnumerationOptions {
  /** Sets with a principal that is not usable are left out: nobody is there to be it. All are usable unless told. */
  readonly usable?: (principal: common.MSPPrincipal) => boolean;
  /** Which of `n` rules is left out where there are too many combinations; at random unless told. */
  readonly pick?: (n: number) => number;
}

/** @see combinationsUpperBound in hyperledger/fabric v2.5, common/policies/inquire/inquire.go */
const MOST_SETS = 10_000;
/** Of all sets together. */
const MOST_PRINCIPALS = 2_000_000;
/** Of one policy: what grows with their number stays small. */
const MOST_RULES = 2_000;

/** A rule of a policy: a principal, or `threshold` of those below. */
interface Rule {
  readonly principal: common.MSPPrincipal | undefined;
  readonly threshold: number;
  children: readonly Rule[];
}

/**
 * The sets of principals that satisfy a signature policy, in Fabric's order; none where the policy asks for more than it names, or says
 * nothing that can be enumerated. Each chooses exactly as many of a rule's sub-rules as it wants, so a set may contain another one.
 * Where they would be more than 10,000, rules are left out at random until they are not, as in Fabric, which does so rule by rule.
 * @throws {SelvageError} `MALFORMED` for a policy of more than 2,000 rules
 * @see SatisfiedBy in hyperledger/fabric v2.5, common/policies/inquire/inquire.go; Permute in common/graph/perm.go
 */
export function principalSets(
  { rule, identities }: Pick<common.SignaturePolicyEnvelope, 'rule' | 'identities'>,
  { usable = () => true, pick = randomInt }: EnumerationOptions = {},
): readonly PrincipalSet[] {
  const root = readRule(rule, { identities, left: MOST_RULES });
  if (root === undefined || !keepUsable(root, usable)) return [];
  thin(root, pick);
  return expand(root);
}

interface Reading {
  readonly identities: readonly common.MSPPrincipal[];
  /** How many rules may still come. */
  left: number;
}

/** Undefined for a rule that is none, or that anything below it is none. */
function readRule(rule: common.SignaturePolicy | undefined, reading: Reading): Rule | undefined {
  reading.left -= 1;
  if (reading.left < 0) {
    throw new SelvageError('MALFORMED', `a policy of more than ${MOST_RULES} rules is not enumerated`, {
      advice: 'Write the policy with fewer rules.',
    });
  }
  if (rule?.nOutOf === undefined) {
    const principal = reading.identities[rule?.signedBy ?? -1];
    return principal && { principal, threshold: 0, children: [] };
  }
  const { n, rules } = rule.nOutOf;
  if (n < 1 || rules.length === 0) return undefined;
  const children: Rule[] = [];
  for (const each of rules) {
    const child = readRule(each, reading);
    if (child === undefined) return undefined;
    children.push(child);
  }
  return { principal: undefined, threshold: n, children };
}

/** Takes out what cannot be satisfied; false when nothing is left of the rule. */
function keepUsable(rule: Rule, usable: (principal: common.MSPPrincipal) => boolean): boolean {
  if (rule.principal !== undefined) return usable(rule.principal);
  rule.children = rule.children.filter((child) => keepUsable(child, usable));
  return rule.children.length >= rule.threshold;
}

/** Leaves rules out until few enough sets are left. With one combination for each rule there is one set, so this ends. */
function thin(root: Rule, pick: (n: number) => number): void {
  for (let most = MOST_SETS; ; most = Math.max(1, Math.floor(most / 2))) {
    for (const rule of breadthFirst(root)) {
      while (combinations(rule.children.length, rule.threshold) > most) {
        const victim = pick(rule.children.length);
        rule.children = rule.children.filter((_, at) => at !== victim);
      }
    }
    const sets = countSets(root);
    if (sets <= MOST_SETS && sets * countLeaves(root) <= MOST_PRINCIPALS) return;
    if (most === 1) return;
  }
}

/** How many ways there are to choose `k` of `n`; as a number that may be infinite. */
function combinations(n: number, k: number): number {
  const smaller = Math.min(k, n - k);
  let ways = 1;
  for (let i = 1; i <= smaller && Number.isFinite(ways); i += 1) ways = (ways * (n - smaller + i)) / i;
  return Math.round(ways);
}

/** How many sets a rule has: the sum over all choices of its sub-rules of the product of what each of those has. */
function countSets({ principal, threshold, children }: Rule): number {
  if (principal !== undefined) return 1;
  const ways = new Array<number>(threshold + 1).fill(0);
  ways[0] = 1;
  for (const child of children) {
    const sets = countSets(child);
    for (let chosen = threshold; chosen > 0; chosen -= 1) ways[chosen] = (ways[chosen] ?? 0) + (ways[chosen - 1] ?? 0) * sets;
  }
  return ways[threshold] ?? 0;
}

const countLeaves = ({ principal, children }: Rule): number =>
  principal !== undefined ? 1 : children.reduce((sum, child) => sum + countLeaves(child), 0);

/** A rule is before those below it. */
function breadthFirst(root: Rule): readonly Rule[] {
  const rules = [root];
  for (const { children } of rules) rules.push(...children);
  return rules;
}

/** Makes the choices rule by rule, from the top: each rule that is chosen replaces its sets by as many as it has combinations. */
function expand(root: Rule): readonly PrincipalSet[] {
  const rules = breadthFirst(root);
  const indexes = new Map(rules.map((rule, index) => [rule, index]));
  /** Each: which rules a set has chosen so far, as flags. */
  let sets = [Uint8Array.of(1, ...new Array<number>(rules.length - 1).fill(0))];
  for (const [index, { principal, threshold, children }] of rules.entries()) {
    if (principal !== undefined) continue;
    const choices = choose(
      children.map((child) => indexes.get(child) ?? 0),
      threshold,
    );
    const untouched = sets.filter((chosen) => chosen[index] === 0);
    const replaced = sets.filter((chosen) => chosen[index] === 1).flatMap((chosen) => choices.map((choice) => withChoice(chosen, choice)));
    sets = [...untouched, ...replaced];
  }
  return sets.map((chosen) => rules.flatMap(({ principal }, index) => (principal !== undefined && chosen[index] === 1 ? [principal] : [])));
}

function withChoice(chosen: Uint8Array<ArrayBuffer>, choice: readonly number[]): Uint8Array<ArrayBuffer> {
  const next = chosen.slice();
  for (const index of choice) next[index] = 1;
  return next;
}

/** All ways to take `k` of the items, those with the first items first. */
function choose(items: readonly number[], k: number): readonly (readonly number[])[] {
  const at = Array.from({ length: k }, (_, index) => index);
  const all: number[][] = [];
  for (;;) {
    all.push(at.map((index) => items[index] ?? 0));
    const last = at.findLastIndex((index, position) => index < items.length - k + position);
    if (last < 0) return all;
    const next = (at[last] ?? 0) + 1;
    for (let position = last; position < k; position += 1) at[position] = next + position - last;
  }
}
