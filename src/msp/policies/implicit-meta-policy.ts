import { SelvageError } from '../../common/errors.ts';
import { common } from '../../protos/messages.ts';
import type { IdentityDeserializer } from '../identity.ts';
import type { FabricDialect } from './dialect.ts';
import { type IdentityPolicy, policyOverIdentities, SATISFIED, unsatisfied } from './identity-policy.ts';
import { someOf } from './some-of.ts';

const RULE = common.ImplicitMetaPolicy_Rule;

export interface ImplicitMetaPolicyParts {
  /** `ImplicitMetaPolicy` bytes. */
  readonly policy: Uint8Array;
  /** The policy of that name in each child group, in order; a group without one gives a policy that refuses. */
  readonly subPolicies: (name: string) => readonly IdentityPolicy[];
  readonly deserializer: IdentityDeserializer;
  readonly dialect: FabricDialect;
}

/**
 * A policy over the policies of the child groups. Each of them sees all signatures; without child groups everything passes.
 * @throws {SelvageError} `MALFORMED`
 * @see NewImplicitMetaPolicy in hyperledger/fabric v2.5, common/policies/implicitmeta.go
 */
export function implicitMetaPolicy({ policy, subPolicies, deserializer, dialect }: ImplicitMetaPolicyParts): IdentityPolicy {
  const { subPolicy: name, rule } = common.ImplicitMetaPolicy.decode(policy);
  const children = subPolicies(name);
  const threshold = thresholdOf(rule, children.length);
  return policyOverIdentities(deserializer, {
    evaluateIdentities: (identities) => {
      let satisfied = 0;
      for (const child of children) {
        if (satisfied === threshold) break;
        if (child.evaluateIdentities(identities).ok) satisfied += 1;
      }
      return satisfied >= threshold ? SATISFIED : unsatisfied(refusalOf({ dialect, name, satisfied, threshold }));
    },
    asSignaturePolicy: () => someOf(threshold, children),
  });
}

function thresholdOf(rule: number, children: number): number {
  if (children === 0) return 0;
  if (rule === RULE.ANY) return 1;
  if (rule === RULE.ALL) return children;
  if (rule === RULE.MAJORITY) return Math.floor(children / 2) + 1;
  throw new SelvageError('MALFORMED', `unknown implicit meta policy rule ${rule}`);
}

interface Refusal {
  readonly dialect: FabricDialect;
  readonly name: string;
  readonly satisfied: number;
  readonly threshold: number;
}

const refusalOf = ({ dialect, name, satisfied, threshold }: Refusal): string =>
  dialect === '1.1'
    ? `Failed to reach implicit threshold of ${threshold} sub-policies, required ${threshold - satisfied} remaining`
    : `implicit policy evaluation failed - ${satisfied} sub-policies were satisfied, but this policy requires ${threshold} of the '${name}' sub-policies to be satisfied`;
