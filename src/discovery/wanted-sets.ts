import { hex } from '../common/bytes.ts';
import type { EnumerablePolicy } from '../msp/policies/identity-policy.ts';
import type { PolicyBudget } from '../msp/policies/policy-budget.ts';
import { comparablePrincipal, type Principal } from '../msp/policies/principal.ts';
import { type ComparableSet, combine } from '../msp/policies/principal-combinations.ts';
import { mergeAsFabric } from '../msp/policies/principal-merging.ts';
import { canBeSatisfied, principalSets } from '../msp/policies/principal-sets.ts';
import { common } from '../protos/messages.ts';
import { type CallTerms, policiesAsked } from './call-terms.ts';
import { noPlan } from './no-plan.ts';

/** Sets of principals that satisfy all that some calls ask for. */
export interface WantedSets {
  /** Those that Fabric would tell. */
  readonly told: readonly (readonly common.MSPPrincipal[])[];
  /** All of the smallest there are, for when nobody is there for those. @throws {SelvageError} `MALFORMED` when there are too many */
  all(): readonly (readonly common.MSPPrincipal[])[];
}

/**
 * By the chaincodes' policies, their collections' and those of keys. Sets that nobody usable could fill are left out before they are
 * combined, which spares most of the work.
 * @throws {SelvageError} `NO_ENDORSEMENT_PLAN` with Fabric's texts, `MALFORMED` for policies that cannot be read or looked through
 * @see computePrincipalSets in hyperledger/fabric v2.5, discovery/endorsement/endorsement.go
 */
export function wantedSets(calls: readonly CallTerms[], { usable, budget }: Finding): WantedSets {
  const namespaces = calls.flatMap(policiesAsked).map((policy) => ({ policy, what: 'endorsement policy', which: '' }));
  const keys = calls
    .flatMap(({ call }) => call.keyPolicies)
    .map((policy) => ({ policy, what: KEY_LEVEL, which: ' for state based endorsement' }));
  const policies = [...namespaces, ...keys];
  if (policies.length === 0) throw noPlan('no principal sets remained after filtering');
  const distinct = distinctOnes(policies).map((each) => setsOf(each, { usable, budget }));
  // Of one policy all sets stand in the answer, as Fabric has them; of several, the smallest.
  const told = policies.length === 1 ? distinct.flat() : mergeAsFabric(distinct, budget);
  return { told: told.map(written), all: () => combine(distinct, budget).map(written) };
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

export interface Finding {
  /** Whether somebody is there to be what a principal asks for. */
  readonly usable: (principal: common.MSPPrincipal) => boolean;
  readonly budget: PolicyBudget;
}

function setsOf({ policy, what, which }: Asked, { usable, budget }: Finding): readonly ComparableSet[] {
  const sets = principalSets(policy, { usable, budget });
  if (sets.length === 0 && !canBeSatisfied(policy, budget)) throw noPlan(`${what} cannot be satisfied`);
  const comparables = new Map<common.MSPPrincipal, Principal>();
  const comparable = (principal: common.MSPPrincipal): Principal => {
    const known = comparables.get(principal) ?? comparablePrincipal(principal);
    if (known === undefined) throw noPlan(`failed creating a comparable principal set${which}`);
    comparables.set(principal, known);
    return known;
  };
  return sets.map((set) => set.map(comparable));
}

const written = (set: ComparableSet): readonly common.MSPPrincipal[] => set.map(({ principal }) => principal);
