import { SelvageError } from '../../common/errors.ts';
import { common } from '../../protos/messages.ts';
import type { IdentityDeserializer } from '../identity.ts';
import type { IdentityPolicy } from './identity-policy.ts';
import type { PolicyTree } from './policy-tree.ts';
import { signaturePolicyOf } from './signature-policy.ts';

export interface ApplicationPolicyParts {
  readonly deserializer: IdentityDeserializer;
  /** The policies of the channel, which a reference is looked up in. */
  readonly policies: Pick<PolicyTree, 'get'>;
}

/**
 * A policy from `ApplicationPolicy` bytes: a signature policy, or a reference to a policy of the channel. A reference to
 * nothing is a policy that refuses.
 * @throws {SelvageError} `MALFORMED`
 * @see Evaluate in hyperledger/fabric v2.5, core/policy/application.go
 */
export function applicationPolicy(bytes: Uint8Array, { deserializer, policies }: ApplicationPolicyParts): IdentityPolicy {
  const { signaturePolicy, channelConfigPolicyReference } = common.ApplicationPolicy.decode(new Uint8Array(bytes));
  if (signaturePolicy !== undefined) return signaturePolicyOf(signaturePolicy, deserializer);
  if (channelConfigPolicyReference !== undefined) return policies.get(channelConfigPolicyReference);
  throw new SelvageError('MALFORMED', 'unsupported policy type <nil>');
}
