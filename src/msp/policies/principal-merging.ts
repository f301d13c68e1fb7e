import { PolicyBudget } from './policy-budget.ts';
import type { Principal } from './principal.ts';
import { type ComparableSet, JOINING } from './principal-combinations.ts';

/** A set of one side and one of the other, of which a set is made that satisfies both. */
type Pair = readonly [one: ComparableSet, other: ComparableSet];

/** Whether a set is part of another one, either way, and filling it up if so, costs as much as comparing so many. */
const COMPARING = 300;

/**
 * The sets that satisfy all policies as Fabric tells them, given the sets that satisfy each. They are not all that there are, and not the
 * smallest: where a set is part of one of another policy, it goes on with the larger of them alone, so that of (A) and (A and B, or C) it
 * tells A and B and not A and C; and a signer who could be counted for two principals is sometimes asked for twice.
 *
 * Where there are many such sets in both policies, Fabric leaves out one or the other by mistake, and in no order; those are told here.
 * @throws {SelvageError} `MALFORMED` when that would take too long
 * @see Merge in hyperledger/fabric v2.5, common/policies/inquire/merge.go
 */
export function mergeAsFabric(policies: readonly (readonly ComparableSet[])[], budget = new PolicyBudget()): readonly ComparableSet[] {
  const [first = [], ...others] = policies;
  return others.reduce<readonly ComparableSet[]>((sofar, sets) => mergeTwo(sofar, sets, budget), first);
}

/** Whoever is part of a set of the other side is used up with it, and so is that set; what is left of both sides is joined. */
function mergeTwo(ones: readonly ComparableSet[], others: readonly ComparableSet[], budget: PolicyBudget): readonly ComparableSet[] {
  budget.spend(COMPARING * ones.length * others.length);
  const inOthers = pairs(ones, others).filter(([one, other]) => isWithin(one, other));
  const left = without(ones, inOthers, 0);
  const inOnes = pairs(left, others).filter(([one, other]) => isWithin(other, one));
  const [restOfOnes, restOfOthers] = [without(left, inOnes, 0), without(others, [...inOthers, ...inOnes], 1)];
  budget.spend(JOINING * restOfOnes.length * restOfOthers.length);
  const merged = [...inOthers.map(([one, other]) => filledUp(other, one)), ...inOnes.map(([one, other]) => filledUp(one, other))];
  return reduced([...merged, ...pairs(restOfOnes, restOfOthers).map(([one, other]) => filledUp(other, one))], budget);
}

const pairs = (ones: readonly ComparableSet[], others: readonly ComparableSet[]): readonly Pair[] =>
  ones.flatMap((one) => others.map((other) => [one, other] as const));

function without(sets: readonly ComparableSet[], used: readonly Pair[], side: 0 | 1): readonly ComparableSet[] {
  const gone = new Set(used.map((pair) => pair[side]));
  return sets.filter((set) => !gone.has(set));
}

/** Whether whoever is the one is the other as well. @see IsA in inquire/compare.go */
const isA = (one: Principal, other: Principal): boolean => one.mspId === other.mspId && (other.anyMember || one.key === other.key);

/** Whether each of the one is somebody of the other, however many there are. @see IsContainedIn in inquire/merge.go */
const isWithin = (one: ComparableSet, other: ComparableSet): boolean => one.every((asked) => other.some((each) => isA(each, asked)));

/** With what it lacks of the other: each of its own counts once, for the first that it will do for. @see MergeWithPlurality */
function filledUp(set: ComparableSet, other: ComparableSet): ComparableSet {
  const unused = [...set];
  const lacking = other.filter((asked) => {
    const at = unused.findIndex((each) => isA(each, asked));
    if (at >= 0) unused.splice(at, 1);
    return at < 0;
  });
  return [...set, ...lacking];
}

/** Leaves out what another one is part of, however often a principal stands in either; of those with the same the first stays. @see Reduce */
function reduced(sets: readonly ComparableSet[], budget: PolicyBudget): readonly ComparableSet[] {
  const distinct = new Map<string, { readonly set: ComparableSet; readonly keys: ReadonlySet<string> }>();
  for (const set of sets) {
    const keys = new Set(set.map(({ key }) => key));
    const name = JSON.stringify([...keys].sort());
    if (!distinct.has(name)) distinct.set(name, { set, keys });
  }
  const named = [...distinct.values()];
  budget.spend(named.length * named.length);
  return named.filter((one) => !named.some((other) => other !== one && isPart(other.keys, one.keys))).map(({ set }) => set);
}

function isPart(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  if (part.size > whole.size) return false;
  for (const key of part) if (!whole.has(key)) return false;
  return true;
}
