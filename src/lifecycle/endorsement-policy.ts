import { messageOf, SelvageError } from '../common/errors.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { signedBySome } from '../msp/policies/common-policies.ts';
import type { EnumerablePolicy } from '../msp/policies/identity-policy.ts';
import type { Policy, SignedData, Verdict } from '../msp/policies/policy.ts';
import { common, protos } from '../protos/messages.ts';

/** A policy as it stands in a definition or beside a key; it is made executable only where it is judged. */
export type EndorsementPolicy =
  | { readonly kind: 'signature'; readonly envelope: Uint8Array }
  | { readonly kind: 'application'; readonly policy: Uint8Array };

export const signaturePolicy = (envelope: Uint8Array): EndorsementPolicy => ({ kind: 'signature', envelope });

export const applicationPolicy = (policy: Uint8Array): EndorsementPolicy => ({ kind: 'application', policy });

/** A policy of the channel's configuration, by its path. */
export const policyReference = (path: string): EndorsementPolicy =>
  applicationPolicy(protos.ApplicationPolicy.encode({ channelConfigPolicyReference: path }));

/** `n` signatures, each of a member of another one of these MSPs. */
export const membersPolicy = (n: number, mspIds: readonly string[]): EndorsementPolicy =>
  signaturePolicy(common.SignaturePolicyEnvelope.encode(signedBySome(n, mspIds, 'MEMBER')));

/** Judges the signatures; a policy that cannot be read is satisfied by nobody. */
export async function evaluate(policy: EndorsementPolicy, signed: readonly SignedData[], bundle: ChannelBundle): Promise<Verdict> {
  let executable: Policy;
  try {
    executable = policy.kind === 'signature' ? bundle.signaturePolicy(policy.envelope) : bundle.applicationPolicy(policy.policy);
  } catch (thrown) {
    if (!(thrown instanceof SelvageError) || thrown.code !== 'MALFORMED') throw thrown;
    return { ok: false, reason: messageOf(thrown) };
  }
  return executable.evaluate(signed);
}

/**
 * The same as a signature policy, for enumerating who satisfies it; undefined where there is none.
 * @throws {SelvageError} `MALFORMED` for a policy that cannot be read
 */
export const enumerable = (policy: EndorsementPolicy, bundle: ChannelBundle): EnumerablePolicy | undefined =>
  policy.kind === 'signature'
    ? common.SignaturePolicyEnvelope.decode(new Uint8Array(policy.envelope))
    : bundle.asSignaturePolicy(policy.policy);
