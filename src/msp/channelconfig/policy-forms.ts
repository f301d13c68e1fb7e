import { common } from '../../protos/messages.ts';

type Role = keyof typeof common.MSPRole_MSPRoleType;

/** A policy that one member in one of these roles of the MSP satisfies, like configtx.yaml's `OR('Org1MSP.admin', 'Org1MSP.peer')`. */
export function anyOfRoles(mspId: string, roles: readonly Role[]): common.PolicyInit {
  const value = common.SignaturePolicyEnvelope.encode({
    rule: { nOutOf: { n: 1, rules: roles.map((_, signedBy) => ({ signedBy })) } },
    identities: roles.map((role) => ({
      principalClassification: common.MSPPrincipal_Classification.ROLE,
      principal: common.MSPRole.encode({ mspIdentifier: mspId, role: common.MSPRole_MSPRoleType[role] }),
    })),
  });
  return { type: common.Policy_PolicyType.SIGNATURE, value };
}

/** A policy about the policies of that name in the groups below, like configtx.yaml's `MAJORITY Admins`. */
export function implicitMeta(rule: keyof typeof common.ImplicitMetaPolicy_Rule, subPolicy: string): common.PolicyInit {
  const value = common.ImplicitMetaPolicy.encode({ subPolicy, rule: common.ImplicitMetaPolicy_Rule[rule] });
  return { type: common.Policy_PolicyType.IMPLICIT_META, value };
}
