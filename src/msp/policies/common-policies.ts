/** Signature policies that Fabric makes itself. Their bytes must be equal on every peer. */
import { compareUtf8 } from '../../common/bytes.ts';
import { common } from '../../protos/messages.ts';

export type RoleName = keyof typeof common.MSPRole_MSPRoleType;

/**
 * One signature by that role of any of the MSPs: the policy of chaincode that was deployed without one.
 * @see SignedByAnyMember in hyperledger/fabric v2.5, common/policydsl/policydsl_builder.go
 */
export const signedByAnyOf = (mspIds: readonly string[], role: RoleName): common.SignaturePolicyEnvelopeInit =>
  signedBySome(1, mspIds, role);

/** A signature by that role of each of the MSPs: what key-level policies of the shims look like. */
export const signedByAllOf = (mspIds: readonly string[], role: RoleName): common.SignaturePolicyEnvelopeInit =>
  signedBySome(mspIds.length, mspIds, role);

/** `n` signatures by that role, each of another one of the MSPs. */
export function signedBySome(n: number, mspIds: readonly string[], role: RoleName): common.SignaturePolicyEnvelopeInit {
  const sorted = [...mspIds].sort(compareUtf8);
  return {
    rule: { nOutOf: { n, rules: sorted.map((_, at) => ({ signedBy: at })) } },
    identities: sorted.map((mspIdentifier) => ({
      principalClassification: common.MSPPrincipal_Classification.ROLE,
      principal: common.MSPRole.encode({ mspIdentifier, role: common.MSPRole_MSPRoleType[role] }),
    })),
  };
}

/** Satisfied without any signature. */
export const acceptAll: common.SignaturePolicyEnvelopeInit = { rule: { nOutOf: { n: 0, rules: [] } } };

/** Satisfied by nothing. */
export const rejectAll: common.SignaturePolicyEnvelopeInit = { rule: { nOutOf: { n: 1, rules: [] } } };
