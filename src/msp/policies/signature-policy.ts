import { SelvageError } from '../../common/errors.ts';
import { common } from '../../protos/messages.ts';
import type { Identity, IdentityDeserializer } from '../identity.ts';
import { type IdentityPolicy, policyOverIdentities, SATISFIED, unsatisfied } from './identity-policy.ts';

/** Judges identities and marks those it uses up. */
type Rule = (identities: readonly Identity[], used: boolean[]) => boolean;

const malformed = (why: string): SelvageError => new SelvageError('MALFORMED', why);

/**
 * A policy from `SignaturePolicyEnvelope` bytes.
 * @throws {SelvageError} `MALFORMED` when the bytes are none, the version is not 0, or a rule is missing or names no principal
 * @see NewPolicy in hyperledger/fabric v2.5, common/cauthdsl/policy.go; compile in cauthdsl.go
 */
export function signaturePolicy(envelope: Uint8Array, deserializer: IdentityDeserializer): IdentityPolicy {
  return signaturePolicyOf(common.SignaturePolicyEnvelope.decode(new Uint8Array(envelope)), deserializer);
}

/** The same from a decoded envelope, whose bytes must outlive the policy. @throws {SelvageError} `MALFORMED` */
export function signaturePolicyOf(
  { version, rule, identities: principals }: common.SignaturePolicyEnvelope,
  deserializer: IdentityDeserializer,
): IdentityPolicy {
  if (version !== 0) throw malformed(`This evaluator only understands messages of version 0, but version was ${version}`);
  const satisfied = compile(rule, principals);
  return policyOverIdentities(deserializer, {
    evaluateIdentities: (identities) =>
      satisfied(identities, new Array<boolean>(identities.length).fill(false))
        ? SATISFIED
        : unsatisfied('signature set did not satisfy policy'),
    asSignaturePolicy: () => ({ rule, identities: principals }),
  });
}

function compile(rule: common.SignaturePolicy | undefined, principals: readonly common.MSPPrincipal[]): Rule {
  if (rule === undefined) throw malformed('Empty policy element');
  if (rule.nOutOf !== undefined)
    return outOf(
      rule.nOutOf.n,
      rule.nOutOf.rules.map((inner) => compile(inner, principals)),
    );
  if (rule.signedBy === undefined) throw malformed('Unknown type: <nil>:<nil>');
  const principal = principals[rule.signedBy];
  if (principal === undefined) {
    throw malformed(`identity index out of range, requested ${rule.signedBy}, but identities length is ${principals.length}`);
  }
  return signedBy(principal);
}

/** The first identity that is not used up yet and is what the principal asks for. */
function signedBy(principal: common.MSPPrincipal): Rule {
  return (identities, used) => {
    const at = identities.findIndex((identity, index) => !used[index] && identity.dissatisfaction(principal) === undefined);
    if (at >= 0) used[at] = true;
    return at >= 0;
  };
}

/** Every rule is tried, in order; what a failed one used up is given back. Trying on after n matters: marking is greedy. */
function outOf(n: number, rules: readonly Rule[]): Rule {
  return (identities, used) => {
    let successes = 0;
    for (const rule of rules) {
      const attempt = [...used];
      if (!rule(identities, attempt)) continue;
      successes += 1;
      for (const [index, mark] of attempt.entries()) used[index] = mark;
    }
    return successes >= n;
  };
}
