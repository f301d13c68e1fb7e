import { randomInt } from 'node:crypto';
import { SelvageError } from '../../common/errors.ts';
import type { common } from '../../protos/messages.ts';
import { PolicyBudget } from './policy-budget.ts';

/** Principals that satisfy a policy together. One that stands there twice asks for two signers. */
export type PrincipalSet = readonly common.MSPPrincipal[];

export interface EnumerationOptions {
  /** Sets with a principal that is not usable are left out: nobody is there to be it. All are usable unless told. */
  readonly usable?: (principal: common.MSPPrincipal) => boolean;
  /** Which of `n` rules is left out where there are too many combinations; at random unless told. */
  readonly pick?: (n: number) => number;
  readonly budget?: PolicyBudget;
}

/** @see combinationsUpperBound in hyperledger/fabric v2.5, common/policies/inquire/inquire.go */
const MOST_SETS = 10_000;
/** Of all sets together. */
const MOST_PRINCIPALS = 2_000_000;
/** Of one policy: what grows with their number stays small. */
const MOST_RULES = 2_000;
/** What reading a rule costs, and making a set of one principal. */
const READING = 1_000;
const MAKING = 100;

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
  { usable = () => true, pick = randomInt, budget = new PolicyBudget() }: EnumerationOptions = {},
): readonly PrincipalSet[] {
  const root = readRule(rule, { identities, left: MOST_RULES, budget });
  if (root === undefined || !keepUsable(root, usable)) return [];
  thin(root, pick);
  budget.spend(MAKING * principalsOf(root));
  return expand(root);
}

/** Whether a policy has any set at all. @throws {SelvageError} `MALFORMED` as {@link principalSets} */
export function canBeSatisfied(
  { rule, identities }: Pick<common.SignaturePolicyEnvelope, 'rule' | 'identities'>,
  budget: PolicyBudget,
): boolean {
  const root = readRule(rule, { identities, left: MOST_RULES, budget });
  return root !== undefined && keepUsable(root, () => true);
}

interface Reading {
  readonly identities: readonly common.MSPPrincipal[];
  /** How many rules may still come. */
  left: number;
  readonly budget: PolicyBudget;
}

/** Undefined for a rule that is none, or that anything below it is none. */
function readRule(rule: common.SignaturePolicy | undefined, reading: Reading): Rule | undefined {
  reading.left -= 1;
  reading.budget.spend(READING);
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
    if (countSets(root) <= MOST_SETS && principalsOf(root) <= MOST_PRINCIPALS) return;
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

/** How many principals are in all sets together, at most; a rule above them counts as one. */
const principalsOf = (root: Rule): number => countSets(root) * (largestSet(root) + breadthFirst(root).length);

function largestSet({ principal, threshold, children }: Rule): number {
  if (principal !== undefined) return 1;
  const sizes = children.map(largestSet).sort((a, b) => b - a);
  return sizes.slice(0, threshold).reduce((sum, size) => sum + size, 0);
}

/** A rule is before those below it. */
function breadthFirst(root: Rule): readonly Rule[] {
  const rules = [root];
  for (const { children } of rules) rules.push(...children);
  return rules;
}

/** A set in the making. */
interface Partial {
  /** Rules that were chosen and not looked into yet. */
  readonly open: ReadonlySet<Rule>;
  readonly principals: PrincipalSet;
}

/** Makes the choices rule by rule, from the top: each rule that is chosen replaces its sets by as many as it has combinations. */
function expand(root: Rule): readonly PrincipalSet[] {
  let sets = [chosen({ open: new Set(), principals: [] }, [root])];
  for (const rule of breadthFirst(root)) {
    if (rule.principal !== undefined) continue;
    const choices = choose(rule.children, rule.threshold);
    const untouched = sets.filter(({ open }) => !open.has(rule));
    const replaced = sets.filter(({ open }) => open.has(rule)).flatMap((set) => choices.map((choice) => chosen(set, choice, rule)));
    sets = [...untouched, ...replaced];
  }
  return sets.map(({ principals }) => principals);
}

function chosen({ open, principals }: Partial, choice: readonly Rule[], replaced?: Rule): Partial {
  return {
    open: new Set([...[...open].filter((rule) => rule !== replaced), ...choice.filter(({ principal }) => principal === undefined)]),
    principals: [...principals, ...choice.flatMap(({ principal }) => principal ?? [])],
  };
}

/** All ways to take `k` of the items, those with the first items first. */
function choose<T>(items: readonly T[], k: number): readonly (readonly T[])[] {
  const at = Array.from({ length: k }, (_, index) => index);
  const all: T[][] = [];
  for (;;) {
    all.push(at.flatMap((index) => items[index] ?? []));
    const last = at.findLastIndex((index, position) => index < items.length - k + position);
    if (last < 0) return all;
    const next = (at[last] ?? 0) + 1;
    for (let position = last; position < k; position += 1) at[position] = next + position - last;
  }
}
