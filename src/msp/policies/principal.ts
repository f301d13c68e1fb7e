import { common, msp } from '../../protos/messages.ts';

/** What somebody must be, in a form that can be compared. */
export interface Principal {
  /** As the policy has it. */
  readonly principal: common.MSPPrincipal;
  /** Equal for principals that ask for the same. */
  readonly key: string;
  readonly mspId: string;
  /** Whoever belongs to the organisation is this. */
  readonly anyMember: boolean;
}

const { ROLE, ORGANIZATION_UNIT, IDENTITY } = common.MSPPrincipal_Classification;

/**
 * A principal for comparing: a role, an organisational unit or one identity; undefined for the other kinds, which cannot be compared.
 * @throws {SelvageError} `MALFORMED` when the principal's bytes are not what its kind says
 * @see NewComparablePrincipal in hyperledger/fabric v2.5, common/policies/inquire/compare.go
 */
export function comparablePrincipal(principal: common.MSPPrincipal): Principal | undefined {
  const { principalClassification: kind, principal: bytes } = principal;
  if (kind === ROLE) {
    const { mspIdentifier: mspId, role } = common.MSPRole.decode(bytes);
    return { principal, mspId, key: keyOf('role', mspId, String(role)), anyMember: role === common.MSPRole_MSPRoleType.MEMBER };
  }
  if (kind === ORGANIZATION_UNIT) {
    const { mspIdentifier: mspId, organizationalUnitIdentifier, certifiersIdentifier } = common.OrganizationUnit.decode(bytes);
    const key = keyOf('unit', mspId, organizationalUnitIdentifier, Buffer.from(certifiersIdentifier).toString('base64'));
    return { principal, mspId, key, anyMember: false };
  }
  if (kind === IDENTITY) {
    const { mspid: mspId, idBytes } = msp.SerializedIdentity.decode(bytes);
    return { principal, mspId, key: keyOf('identity', mspId, Buffer.from(idBytes).toString('base64')), anyMember: false };
  }
  return undefined;
}

/** The bytes of a principal as a key: equal for those that a policy writes in the same way. */
export const writtenKey = ({ principalClassification: kind, principal }: common.MSPPrincipal): string =>
  keyOf(String(kind), Buffer.from(principal).toString('base64'));

const keyOf = (...parts: readonly string[]): string => JSON.stringify(parts);
