import { describePrincipal } from '../committer/plugins/explain.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { Identity } from '../msp/identity.ts';
import { type EnumerablePolicy, signersOf } from '../msp/policies/identity-policy.ts';
import type { Policy, SignedData } from '../msp/policies/policy.ts';
import { PolicyBudget } from '../msp/policies/policy-budget.ts';
import { type PrincipalSet, principalSets } from '../msp/policies/principal-sets.ts';
import { common, protos } from '../protos/messages.ts';

/** A policy that refused, and how it can be read. */
export interface RefusedPolicy {
  /** Of the channel's configuration; undefined for one that stands in a definition or beside a key. */
  readonly reference: string | undefined;
  readonly rule: EnumerablePolicy | undefined;
}

/** A configuration that remembers which policy was the last to refuse. */
export interface WatchedBundle {
  readonly bundle: ChannelBundle;
  readonly refused: () => RefusedPolicy | undefined;
  readonly forget: () => void;
}

export function watched(bundle: ChannelBundle): WatchedBundle {
  let refused: RefusedPolicy | undefined;
  const watching = (policy: Policy, told: () => RefusedPolicy): Policy => ({
    evaluate: async (signed) => {
      const verdict = await policy.evaluate(signed);
      if (!verdict.ok) refused = told();
      return verdict;
    },
  });
  return {
    bundle: {
      ...bundle,
      signaturePolicy: (envelope) =>
        watching(bundle.signaturePolicy(envelope), () => ({ reference: undefined, rule: common.SignaturePolicyEnvelope.decode(envelope) })),
      applicationPolicy: (policy) =>
        watching(bundle.applicationPolicy(policy), () => {
          const { channelConfigPolicyReference: reference } = protos.ApplicationPolicy.decode(policy);
          return { reference, rule: bundle.asSignaturePolicy(policy) };
        }),
    },
    refused: () => refused,
    forget: () => {
      refused = undefined;
    },
  };
}

/** More ways to satisfy a policy than these are not told. */
const MOST_WAYS = 4;
const MOST_COMPARED = 2_000;

/** Sets of principals each of which would have made the endorsements suffice: the smallest ones. */
export async function missingSets(
  { rule }: RefusedPolicy,
  signed: readonly SignedData[],
  bundle: ChannelBundle,
): Promise<readonly string[]> {
  if (rule === undefined) return [];
  const signers = await signersOf(signed, bundle.msps);
  const missing = principalSets(rule, { pick: () => 0, budget: new PolicyBudget() })
    .slice(0, MOST_COMPARED)
    .map((set) => withoutSigners(set, signers));
  const least = Math.min(...missing.map(({ length }) => length));
  const texts = missing.filter(({ length }) => length === least).map((set) => set.map(describePrincipal).sort().join(' and '));
  return [...new Set(texts)].slice(0, MOST_WAYS);
}

/** The principals of a set for which none of the signers is left; each signer stands for one. */
function withoutSigners(set: PrincipalSet, signers: readonly Identity[]): PrincipalSet {
  const takenBy = new Map<Identity, number>();
  const place = (at: number, tried: Set<Identity>): boolean => {
    const principal = set[at];
    for (const signer of signers) {
      if (principal === undefined || tried.has(signer) || signer.dissatisfaction(principal) !== undefined) continue;
      tried.add(signer);
      const other = takenBy.get(signer);
      if (other !== undefined && !place(other, tried)) continue;
      takenBy.set(signer, at);
      return true;
    }
    return false;
  };
  return set.filter((_, at) => !place(at, new Set()));
}

const MOST_TEXT = 300;

/** A policy as the command line takes it, such as `AND('Org1MSP.peer', 'Org2MSP.peer')`; by its path where it is one of the channel. */
export function policyText({ reference, rule }: RefusedPolicy): string {
  const text = rule?.rule === undefined ? undefined : ruleText(rule.rule, rule.identities, { left: 40 });
  const cut = text === undefined || text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT)}…`;
  return [reference, cut].filter((part) => part !== undefined).join(', which is ') || 'a policy that cannot be read';
}

function ruleText(
  { signedBy, nOutOf }: common.SignaturePolicy,
  identities: readonly common.MSPPrincipal[],
  room: { left: number },
): string {
  room.left -= 1;
  if (room.left < 0) return '…';
  if (nOutOf === undefined) {
    const principal = identities[signedBy ?? -1];
    return principal === undefined ? 'nobody' : `'${describePrincipal(principal)}'`;
  }
  const { n, rules } = nOutOf;
  const [only] = rules;
  if (n === 1 && rules.length === 1 && only !== undefined) return ruleText(only, identities, room);
  const parts = rules.map((each) => ruleText(each, identities, room));
  if (n === rules.length) return `AND(${parts.join(', ')})`;
  return n === 1 ? `OR(${parts.join(', ')})` : `OutOf(${[n, ...parts].join(', ')})`;
}
