import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { common } from '../../protos/messages.ts';
import { PolicyBudget } from './policy-budget.ts';
import { comparablePrincipal, type Principal } from './principal.ts';
import { type ComparableSet, combine, minimalSets } from './principal-combinations.ts';
import { mergeAsFabric } from './principal-merging.ts';

/** From `A.PEER`; a bare `A` is any member. */
function principal(name: string): Principal {
  const [mspIdentifier = '', role = 'MEMBER'] = name.split('.');
  const wanted = { mspIdentifier, role: common.MSPRole_MSPRoleType[role as 'PEER'] };
  const comparable = comparablePrincipal({
    principalClassification: common.MSPPrincipal_Classification.ROLE,
    principal: common.MSPRole.encode(wanted),
  });
  if (comparable === undefined) throw new Error(`${name} cannot be compared`);
  return comparable;
}

const setOf = (text: string): ComparableSet => text.split(' ').filter(Boolean).map(principal);
const setsOf = (...texts: readonly string[]): ComparableSet[] => texts.map(setOf);
const textOf = (set: ComparableSet): string =>
  set
    .map(({ principal: { principal: bytes } }) => {
      const { mspIdentifier, role } = common.MSPRole.decode(bytes);
      return role === 0 ? mspIdentifier : `${mspIdentifier}.${Object.keys(common.MSPRole_MSPRoleType)[role]}`;
    })
    .sort()
    .join(' ');
const combined = (...policies: readonly (readonly ComparableSet[])[]): string[] => combine(policies).map(textOf).sort();

const merged = (...policies: readonly (readonly ComparableSet[])[]): string[] => mergeAsFabric(policies).map(textOf).sort();

describe('the smallest of some sets', () => {
  it('contain no other one, count how often a principal occurs, and stay in order', () => {
    expect(minimalSets(setsOf('A B', 'A', 'B B', 'B', 'C C', 'A C')).map(textOf)).toEqual(['A', 'B', 'C C']);
    expect(minimalSets(setsOf('A B', 'B A')).map(textOf)).toEqual(['A B']);
  });

  it('know that a peer is a member, and that an administrator need not be a peer', () => {
    expect(minimalSets(setsOf('A.PEER', 'A', 'B.ADMIN', 'B.PEER')).map(textOf)).toEqual(['A', 'B.ADMIN', 'B.PEER']);
  });
});

describe('several policies at once', () => {
  it('count a signer for each of them', () => {
    expect(combined(setsOf('A B'), setsOf('A', 'B'))).toEqual(['A B']);
    expect(combined(setsOf('A', 'B'), setsOf('A', 'B'))).toEqual(['A', 'B']);
    expect(combined(setsOf('A', 'B'), setsOf('C'))).toEqual(['A C', 'B C']);
  });

  it('take a peer for any member of its organisation, and two peers for two', () => {
    expect(combined(setsOf('A'), setsOf('A.PEER'))).toEqual(['A.PEER']);
    expect(combined(setsOf('A.PEER B'), setsOf('A C'))).toEqual(['A.PEER B C']);
    expect(combined(setsOf('A A'), setsOf('A.PEER'))).toEqual(['A A.PEER']);
    expect(combined(setsOf('A.PEER A'), setsOf('A.ADMIN A'))).toEqual(['A.ADMIN A.PEER']);
  });

  it('find what a set leads to beside the larger one that contains it', () => {
    expect(combined(setsOf('A'), setsOf('A B', 'C'))).toEqual(['A B', 'A C']);
  });

  it('end with an error where they combine in too many ways', () => {
    const many = (org: string): ComparableSet[] => Array.from({ length: 300 }, (_, at) => setOf(`${org}${at}`));
    expect(() => combine([many('A'), many('B'), many('C')])).toThrow('combine in too many ways');
    expect(() => minimalSets(setsOf('A', 'B C', 'D E F'), new PolicyBudget(2))).toThrow('combine in too many ways');
  });

  it('are satisfied by exactly the smallest sets', () => {
    const names = ['A', 'A.PEER', 'A.ADMIN', 'B', 'B.PEER'];
    const set = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 2 }).map((each) => setOf(each.join(' ')));
    const policy = fc.array(set, { minLength: 1, maxLength: 3 });
    const universe = multisets(names, 4).map((each) => setOf(each.join(' ')));
    fc.assert(
      fc.property(policy, policy, (one, other) => {
        const good = universe.filter((each) => satisfies(each, one) && satisfies(each, other));
        const smallest = good.filter((each) => !good.some((less) => textOf(less) !== textOf(each) && covers(each, less)));
        expect(combined(one, other)).toEqual(smallest.map(textOf).sort());
      }),
      { numRuns: runs(150) },
    );
  });
});

describe('several policies at once, as Fabric tells them', () => {
  it('go on with the larger set alone where one is part of the other', () => {
    expect(merged(setsOf('A'), setsOf('A B', 'C'))).toEqual(['A B']);
    expect(merged(setsOf('A B', 'C'), setsOf('A'))).toEqual(['A B']);
    expect(merged(setsOf('A.PEER', 'B.PEER'), setsOf('A'))).toEqual(['A.PEER']);
    expect(merged(setsOf('A', 'B'), setsOf('A.PEER', 'B.PEER'))).toEqual(['A.PEER', 'B.PEER']);
  });

  it('join what neither is part of the other, and what is left of both sides', () => {
    expect(merged(setsOf('A', 'B'), setsOf('C', 'D'))).toEqual(['A C', 'A D', 'B C', 'B D']);
    expect(merged(setsOf('A', 'B'), setsOf('A C', 'D'))).toEqual(['A C', 'B D']);
    expect(merged(setsOf('A A'), setsOf('A.PEER'))).toEqual(['A A.PEER']);
  });

  it('ask for a signer twice who could be counted for two principals', () => {
    expect(merged(setsOf('C.PEER'), setsOf('A B.PEER', 'B C'))).toEqual(['A B.PEER C.PEER', 'B C C.PEER']);
    expect(merged(setsOf('A A.PEER'), setsOf('A.PEER'))).toEqual(['A.PEER A.PEER']);
  });

  it('leave out what contains another one by its names alone', () => {
    expect(merged(setsOf('A', 'A B'), setsOf('C'))).toEqual(['A C']);
    expect(merged(setsOf('A A', 'A'), setsOf('B'))).toEqual(['A A B']);
  });

  it('satisfy all of them, and there are some wherever there are any', () => {
    const names = ['A', 'A.PEER', 'B', 'B.PEER', 'C'];
    const set = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((each) => setOf(each.join(' ')));
    const policy = fc.array(set, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(policy, policy, (one, other) => {
        const sets = mergeAsFabric([one, other]);
        expect(sets.length).toBeGreaterThan(0);
        for (const each of sets) expect(satisfies(each, one) && satisfies(each, other), textOf(each)).toBe(true);
      }),
      { numRuns: runs(300) },
    );
  });
});

const satisfies = (signers: ComparableSet, sets: readonly ComparableSet[]): boolean => sets.some((set) => covers(signers, set));

/** Whether each of what is wanted can be given a signer of its own: tried one by one. */
function covers(signers: ComparableSet, wanted: ComparableSet): boolean {
  const [first, ...others] = wanted;
  if (first === undefined) return true;
  return signers.some(
    (signer, at) =>
      signer.mspId === first.mspId && (first.anyMember || signer.key === first.key) && covers(signers.toSpliced(at, 1), others),
  );
}

function multisets(names: readonly string[], most: number): string[][] {
  if (most === 0) return [[]];
  const smaller = multisets(names, most - 1);
  const larger = smaller
    .filter(({ length }) => length === most - 1)
    .flatMap((each) => names.filter((name) => name >= (each.at(-1) ?? '')).map((name) => [...each, name]));
  return [...smaller, ...larger];
}
