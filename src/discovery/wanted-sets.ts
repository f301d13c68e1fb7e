import { hex } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { EnumerablePolicy } from '../msp/policies/identity-policy.ts';
import { comparablePrincipal, type Principal } from '../msp/policies/principal.ts';
import { CombiningBudget, type ComparableSet, combine } from '../msp/policies/principal-combinations.ts';
import { type PrincipalSet, principalSets } from '../msp/policies/principal-sets.ts';
import { common } from '../protos/messages.ts';
import { type CallTerms, policiesAsked } from './call-terms.ts';
import { noPlan } from './no-plan.ts';

/**
 * The sets of principals that satisfy all that the calls ask for: their chaincodes' policies, their collections' and those of keys. Sets
 * that nobody usable could fill are left out before they are combined, which spares most of the work.
 * @throws {SelvageError} `NO_ENDORSEMENT_PLAN` with Fabric's texts
 * @see computePrincipalSets in hyperledger/fabric v2.5, discovery/endorsement/endorsement.go
 */
export function wantedSets(
  calls: readonly CallTerms[],
  usable: (principal: common.MSPPrincipal) => boolean,
): readonly (readonly common.MSPPrincipal[])[] {
  const namespaces = calls.flatMap(policiesAsked).map((policy) => ({ policy, what: 'endorsement policy', which: '' }));
  const keys = calls
    .flatMap(({ call }) => call.keyPolicies)
    .map((policy) => ({ policy, what: KEY_LEVEL, which: ' for state based endorsement' }));
  const policies = [...namespaces, ...keys];
  if (policies.length === 0) throw noPlan('no principal sets remained after filtering');
  return withinBudget(() => {
    const budget = new CombiningBudget();
    const distinct = distinctOnes(policies).map((each) => setsOf(each, { usable, budget }));
    // Of one policy all sets stand in the answer, as Fabric has them; of several, the smallest.
    if (policies.length === 1) return distinct.flat().map(written);
    return combine(distinct, budget).map(written);
  });
}

const KEY_LEVEL = 'state based endorsement policy';

interface Asked {
  readonly policy: EnumerablePolicy;
  readonly what: string;
  readonly which: string;
}

function distinctOnes(policies: readonly Asked[]): readonly Asked[] {
  const byText = new Map<string, Asked>();
  for (const each of policies) {
    const text = hex(common.SignaturePolicyEnvelope.encode(each.policy));
    if (!byText.has(text)) byText.set(text, each);
  }
  return [...byText.values()];
}

interface Finding {
  readonly usable: (principal: common.MSPPrincipal) => boolean;
  readonly budget: CombiningBudget;
}

function setsOf({ policy, what, which }: Asked, { usable, budget }: Finding): readonly ComparableSet[] {
  const known = new Map<common.MSPPrincipal, Principal>();
  for (const principal of policy.identities) {
    const comparable = comparablePrincipal(principal);
    if (comparable !== undefined) known.set(principal, comparable);
  }
  const sets = principalSets(policy, { usable });
  if (sets.length === 0 && principalSets(policy, { pick: () => 0 }).length === 0) throw noPlan(`${what} cannot be satisfied`);
  budget.spendOnSets(sets.length);
  return sets.map((set) => compared(set, known, which));
}

function compared(set: PrincipalSet, known: ReadonlyMap<common.MSPPrincipal, Principal>, which: string): ComparableSet {
  return set.map((principal) => {
    const comparable = known.get(principal);
    if (comparable === undefined) throw noPlan(`failed creating a comparable principal set${which}`);
    return comparable;
  });
}

const written = (set: ComparableSet): readonly common.MSPPrincipal[] => set.map(({ principal }) => principal);

/** What cannot be read, or combines in too many ways, gives no plan. */
function withinBudget<T>(find: () => T): T {
  try {
    return find();
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') throw noPlan(thrown.message, thrown);
    throw thrown;
  }
}
