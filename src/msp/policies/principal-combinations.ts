import { PolicyBudget } from './policy-budget.ts';
import type { Principal } from './principal.ts';

/** Principals that satisfy one or several policies together; one that stands there twice asks for two signers. */
export type ComparableSet = readonly Principal[];

/** Joining two sets costs as much as comparing so many, in time and in what is kept of it. */
export const JOINING = 3_000;

/**
 * The smallest sets that satisfy all policies, given the sets that satisfy each. A signer may be counted for every one of them: where one
 * asks for any member and another one for a peer of the same organisation, the peer is enough.
 *
 * Fabric does not find all of them: see principal-merging.ts.
 * @throws {SelvageError} `MALFORMED` when that would take too long
 */
export function combine(policies: readonly (readonly ComparableSet[])[], budget = new PolicyBudget()): readonly ComparableSet[] {
  const [first = [], ...others] = policies.map((sets) => smallest(sets.map(measured), budget));
  return others.reduce((sofar, sets) => combineTwo(sofar, sets, budget), first).map(({ set }) => set);
}

/** Those that contain no other one; of equal ones the first. @throws {SelvageError} `MALFORMED` when there are too many to compare */
export const minimalSets = (sets: readonly ComparableSet[], budget = new PolicyBudget()): readonly ComparableSet[] =>
  smallest(sets.map(measured), budget).map(({ set }) => set);

/** A set with what it asks for, as numbers: whatever has no less of each satisfies it, too. */
interface Measured {
  readonly set: ComparableSet;
  /** By what is asked for, how many; each organisation with all that is asked of it in any role, too. */
  readonly counts: ReadonlyMap<string, number>;
  /** Equal for sets that ask for the same. */
  readonly key: string;
  /** How much it asks for: of two with the same number neither contains the other, unless they are equal. */
  readonly demand: number;
  /** A bit for each thing that it asks for, several things to a bit: what has not all of them cannot contain it. */
  readonly bits: number;
}

function measured(set: ComparableSet): Measured {
  const counts = new Map<string, number>();
  let bits = 0;
  let demand = 0;
  for (const { key, mspId, anyMember } of set) {
    const ofItsOrganization = `msp ${mspId}`; // no key begins like that
    for (const asked of anyMember ? [ofItsOrganization] : [ofItsOrganization, key]) {
      counts.set(asked, (counts.get(asked) ?? 0) + 1);
      bits |= 1 << (hashOf(asked) & 31);
      demand += 1;
    }
  }
  const key = JSON.stringify(set.map((principal) => principal.key).sort());
  return { set, counts, key, demand, bits };
}

function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash;
}

/** Whether who satisfies `whole` satisfies `part`. */
function contains(whole: Measured, part: Measured): boolean {
  if ((part.bits & ~whole.bits) !== 0) return false;
  for (const [asked, count] of part.counts) if ((whole.counts.get(asked) ?? 0) < count) return false;
  return true;
}

function smallest(sets: readonly Measured[], budget: PolicyBudget): readonly Measured[] {
  const distinct = new Map<string, Measured>();
  for (const each of sets) if (!distinct.has(each.key)) distinct.set(each.key, each);
  const kept = new Set<Measured>();
  const byDemand = [...distinct.values()].sort((a, b) => a.demand - b.demand);
  let lesser: readonly Measured[] = [];
  let demand = 0;
  for (const candidate of byDemand) {
    if (candidate.demand > demand) lesser = [...kept];
    demand = candidate.demand;
    budget.spend(lesser.length);
    if (!lesser.some((other) => contains(candidate, other))) kept.add(candidate);
  }
  return [...distinct.values()].filter((each) => kept.has(each));
}

/** What contains a set of the other side stands for itself: with anything else of the other side it would only get larger. */
function combineTwo(ones: readonly Measured[], others: readonly Measured[], budget: PolicyBudget): readonly Measured[] {
  budget.spend(2 * ones.length * others.length);
  const [wholeOnes, restOfOnes] = parted(ones, (one) => others.some((other) => contains(one, other)));
  const [wholeOthers, restOfOthers] = parted(others, (other) => ones.some((one) => contains(other, one)));
  budget.spend(JOINING * restOfOnes.length * restOfOthers.length);
  const joined = restOfOnes.flatMap((one) => restOfOthers.map((other) => measured(join(one.set, other.set))));
  return smallest([...wholeOnes, ...wholeOthers, ...joined], budget);
}

function parted<T>(items: readonly T[], first: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (first(item) ? yes : no).push(item);
  return [yes, no];
}

/**
 * The smallest set that satisfies both. Equal ones count once; then any member of an organisation is whoever the other side asks for of
 * that organisation; at last any member is any member.
 */
function join(one: ComparableSet, other: ComparableSet): ComparableSet {
  const result: Principal[] = [];
  const left = [...one];
  const right = [...other];
  const pair = (
    matches: (mine: Principal, theirs: Principal) => boolean,
    kept: (mine: Principal, theirs: Principal) => Principal,
  ): void => {
    for (const mine of [...left]) {
      const at = right.findIndex((theirs) => matches(mine, theirs));
      const theirs = right[at];
      if (theirs === undefined) continue;
      result.push(kept(mine, theirs));
      right.splice(at, 1);
      left.splice(left.indexOf(mine), 1);
    }
  };
  pair(
    (mine, theirs) => mine.key === theirs.key && !mine.anyMember,
    (mine) => mine,
  );
  pair(
    (mine, theirs) => mine.mspId === theirs.mspId && mine.anyMember && !theirs.anyMember,
    (_, theirs) => theirs,
  );
  pair(
    (mine, theirs) => mine.mspId === theirs.mspId && !mine.anyMember && theirs.anyMember,
    (mine) => mine,
  );
  pair(
    (mine, theirs) => mine.key === theirs.key,
    (mine) => mine,
  );
  return [...result, ...left, ...right];
}
