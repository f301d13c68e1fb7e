import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { common } from '../../protos/messages.ts';
import { parsePolicyText } from './policy-text.ts';
import { comparablePrincipal } from './principal.ts';
import { minimalSets } from './principal-combinations.ts';
import { type EnumerationOptions, principalSets } from './principal-sets.ts';
import { signaturePolicyOf } from './signature-policy.ts';

const { ROLE } = common.MSPPrincipal_Classification;

const envelopeOf = (policy: string | common.SignaturePolicyEnvelopeInit): common.SignaturePolicyEnvelope =>
  common.SignaturePolicyEnvelope.decode(
    common.SignaturePolicyEnvelope.encode(typeof policy === 'string' ? parsePolicyText(policy) : policy),
  );

/** `A.member` and so on. */
const nameOf = ({ principal }: common.MSPPrincipal): string => {
  const { mspIdentifier, role } = common.MSPRole.decode(principal);
  return `${mspIdentifier}.${Object.keys(common.MSPRole_MSPRoleType)[role]?.toLowerCase()}`;
};

/** Each set as text, in order. */
const setsOf = (policy: string | common.SignaturePolicyEnvelopeInit, options?: EnumerationOptions): string[] =>
  principalSets(envelopeOf(policy), options).map((set) => set.map((each) => nameOf(each).replace('.member', '')).join(' '));

describe('the sets of principals that satisfy a policy', () => {
  it('are one for each choice of sub-rules, in Fabric’s order', () => {
    expect(setsOf("OutOf(2,'A.member','B.member','C.member')")).toEqual(['A B', 'A C', 'B C']);
    // the rules above are replaced first, so what stands for several sets moves behind what stands for one
    expect(setsOf("OR(AND('A.member','B.member'),OutOf(1,'C.member','D.member'),'E.member')")).toEqual(['E', 'A B', 'C', 'D']);
  });

  it('are in the order that Fabric’s own test of its trees expects', () => {
    const two = (...names: string[]) => `OutOf(2,${names.map((name) => `'${name}.member'`).join(',')})`;
    const sets = setsOf(`OutOf(2,${two('A', 'B', 'C')},${two('a', 'b', 'c')},${two('x', 'y', 'z')})`);
    expect([sets.length, sets[0], sets.at(-1)]).toEqual([27, 'A B a b', 'b c y z']);
  });

  it('repeat a principal of which there must be two signers, and keep sets that contain others', () => {
    expect(setsOf("OutOf(2,'A.member','A.member','B.member')")).toEqual(['A A', 'A B', 'A B']);
    expect(setsOf("OR('A.member',AND('A.member','B.member'))")).toEqual(['A', 'A B']);
  });

  it('are none for a policy that asks for more than it names', () => {
    expect(setsOf({ rule: { nOutOf: { n: 2, rules: [{ signedBy: 0 }] } }, identities: [member('A')] })).toEqual([]);
    expect(
      setsOf({
        rule: { nOutOf: { n: 1, rules: [{ nOutOf: { n: 2, rules: [{ signedBy: 0 }] } }, { signedBy: 0 }] } },
        identities: [member('A')],
      }),
    ).toEqual(['A']);
  });

  it.each([
    ['no rule', { identities: [member('A')] }],
    ['an empty rule', { rule: {}, identities: [member('A')] }],
    ['a principal that is not there', { rule: { signedBy: 1 }, identities: [member('A')] }],
    ['a principal before the first', { rule: { signedBy: -1 }, identities: [member('A')] }],
    ['nobody', { rule: { nOutOf: { n: 0, rules: [{ signedBy: 0 }] } }, identities: [member('A')] }],
    ['less than nobody', { rule: { nOutOf: { n: -1, rules: [{ signedBy: 0 }] } }, identities: [member('A')] }],
    ['one of nothing', { rule: { nOutOf: { n: 1, rules: [] } }, identities: [member('A')] }],
    ['something unreadable beside', { rule: { nOutOf: { n: 1, rules: [{ signedBy: 0 }, { signedBy: 7 }] } }, identities: [member('A')] }],
  ])('are none for a policy with %s', (_, policy) => {
    expect(setsOf(policy)).toEqual([]);
  });

  it('leave out those with a principal that is not usable', () => {
    expect(setsOf("OutOf(2,'A.member','B.member','C.member')", { usable: (each) => nameOf(each) !== 'B.member' })).toEqual(['A C']);
  });

  it('are at most 10,000, with rules left out at random', () => {
    const many = (n: number, of: number): common.SignaturePolicyEnvelopeInit => ({
      rule: { nOutOf: { n, rules: Array.from({ length: of }, (_, at) => ({ signedBy: at })) } },
      identities: Array.from({ length: of }, (_, at) => member(`O${at}`)),
    });
    expect(principalSets(envelopeOf(many(9, 16)))).toHaveLength(5005); // 9 of 15
    expect(setsOf(many(9, 16), { pick: () => 0 })[0]).toMatch(/^O1 /); // the first was left out
    expect(principalSets(envelopeOf(many(500, 1000))).length).toBeLessThanOrEqual(10_000);
  });

  it('are few where rules that are harmless alone multiply', () => {
    const half = { nOutOf: { n: 5, rules: Array.from({ length: 10 }, (_, at) => ({ signedBy: at })) } };
    const identities = Array.from({ length: 10 }, (_, at) => member(`O${at}`));
    const tower = { rule: { nOutOf: { n: 20, rules: new Array(20).fill(half) } }, identities }; // 252^20 sets
    const sets = principalSets(envelopeOf(tower));
    expect(sets.length).toBeGreaterThan(0);
    expect(sets.length).toBeLessThanOrEqual(10_000);
    expect(sets.every((set) => set.length === 100)).toBe(true);
  });

  it('are not looked for in a policy of more rules than anybody has', () => {
    const rules = new Array(2_000).fill({ signedBy: 0 });
    expect(() => setsOf({ rule: { nOutOf: { n: 1, rules } }, identities: [member('A')] })).toThrow('a policy of more than 2000 rules');
  });
});

function member(mspIdentifier: string): common.MSPPrincipalInit {
  return { principalClassification: ROLE, principal: common.MSPRole.encode({ mspIdentifier, role: 0 }) };
}

/** A policy over a few organisations, some of which occur more than once. */
const rules = fc.letrec<{ rule: common.SignaturePolicyInit }>((tie) => ({
  rule: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ signedBy: fc.nat({ max: 3 }) }),
    fc
      .record({ n: fc.integer({ min: 1, max: 3 }), rules: fc.array(tie('rule'), { minLength: 1, maxLength: 3 }) })
      .map((nOutOf) => ({ nOutOf })),
  ),
})).rule;

const ORGS = ['A', 'B', 'C', 'D'];

/** Whether so many signers of each organisation can be given out to all these rules: tried without any cleverness. */
function suffices(signers: readonly number[], wanted: readonly common.SignaturePolicyInit[]): boolean {
  const [first, ...others] = wanted;
  if (first === undefined) return true;
  const { signedBy, nOutOf } = first;
  if (signedBy !== undefined) {
    const left = signers.map((count, org) => (org === signedBy ? count - 1 : count));
    return left.every((count) => count >= 0) && suffices(left, others);
  }
  const all = nOutOf?.rules ?? [];
  for (let chosen = 0; chosen < 1 << all.length; chosen += 1) {
    const picked = all.filter((_, at) => (chosen & (1 << at)) !== 0);
    if (picked.length === nOutOf?.n && suffices(signers, [...picked, ...others])) return true;
  }
  return false;
}

const leaves = ({ signedBy, nOutOf }: common.SignaturePolicyInit): number =>
  signedBy !== undefined ? 1 : (nOutOf?.rules ?? []).reduce((sum, rule) => sum + leaves(rule), 0);

/** Every number of signers of each organisation that suffices while one less of any does not. */
function smallestBySearch(rule: common.SignaturePolicyInit): string[] {
  const found: string[] = [];
  const most = leaves(rule);
  const visit = (signers: readonly number[]): void => {
    if (signers.length < ORGS.length) {
      const used = signers.reduce((sum, count) => sum + count, 0);
      for (let count = 0; used + count <= most; count += 1) visit([...signers, count]);
      return;
    }
    const minimal = signers.every((count, org) => count === 0 || !suffices(signers.with(org, count - 1), [rule]));
    if (minimal && suffices(signers, [rule])) found.push(signers.join(','));
  };
  visit([]);
  return found.sort();
}

describe('enumerating and judging', () => {
  it('find the same: the smallest sets are exactly those that suffice and from which nobody can be taken away', () => {
    fc.assert(
      fc.property(
        rules.filter((rule) => leaves(rule) <= 7),
        (rule) => {
          const envelope = envelopeOf({ rule, identities: ORGS.map(member) });
          const sets = principalSets(envelope).map((set) => set.flatMap((principal) => comparablePrincipal(principal) ?? []));
          const counts = minimalSets(sets).map((set) => ORGS.map((org) => set.filter(({ mspId }) => mspId === org).length).join(','));
          expect(counts.sort()).toEqual(smallestBySearch(rule));
        },
      ),
      { numRuns: runs(300) },
    );
  });

  it('agree where no principal occurs twice: the judge accepts each set, and not what is missing one of it', () => {
    fc.assert(
      fc.property(rules, (shape) => {
        const { rule, identities } = withOwnPrincipals(shape);
        const envelope = envelopeOf({ rule, identities });
        const judge = signaturePolicyOf(envelope, { deserialize: () => expect.unreachable() });
        const accepts = (set: readonly common.MSPPrincipal[]): boolean =>
          judge.evaluateIdentities(set.map((each) => somebody(nameOf(each)))).ok;
        const sets = principalSets(envelope).map((set) => set.flatMap((principal) => comparablePrincipal(principal) ?? []));
        for (const set of minimalSets(sets).map((each) => each.map(({ principal }) => principal))) {
          expect(accepts(set)).toBe(true);
          for (const gone of set) expect(accepts(set.filter((each) => each !== gone))).toBe(false);
        }
        expect(accepts(envelope.identities)).toBe(sets.length > 0);
      }),
      { numRuns: runs(200) },
    );
  });
});

/** The same policy with a principal of its own for each place. */
function withOwnPrincipals(shape: common.SignaturePolicyInit): common.SignaturePolicyEnvelopeInit {
  const identities: common.MSPPrincipalInit[] = [];
  const renamed = ({ nOutOf }: common.SignaturePolicyInit): common.SignaturePolicyInit =>
    nOutOf === undefined
      ? { signedBy: identities.push(member(`O${identities.length}`)) - 1 }
      : { nOutOf: { n: nOutOf.n ?? 0, rules: (nOutOf.rules ?? []).map(renamed) } };
  return { rule: renamed(shape), identities };
}

const somebody = (name: string) => ({
  mspId: name,
  id: name,
  serialized: new Uint8Array(),
  notAfter: new Date(0),
  validate: () => undefined,
  verify: () => true,
  dissatisfaction: (principal: common.MSPPrincipal) => (nameOf(principal) === name ? undefined : 'somebody else'),
});
