import { equalBytes } from '../common/bytes.ts';
import { messageOf } from '../common/errors.ts';
import { common } from '../protos/messages.ts';
import type { X509Identity } from './identities/x509-identity.ts';
import { isAtLeast, type MspVersion } from './msp-version.ts';
import type { NodeRole, OuRules } from './ou-rules.ts';

const { MSPPrincipal_Classification: CLASS, MSPRole_MSPRoleType: ROLE, MSPIdentityAnonymity_MSPIdentityAnonymityType: ANONYMITY } = common;

/** Deeper combinations are refused rather than followed. */
const MAX_COMBINATION_DEPTH = 16;

export interface PrincipalRulesParts {
  readonly mspId: string;
  readonly version: MspVersion;
  /** Identities whose certificates the configuration lists as administrators. */
  readonly admins: readonly X509Identity[];
  readonly ous: OuRules;
  /** Certifiers identifier of an identity's chain. @throws {SelvageError} `IDENTITY_INVALID` */
  readonly certifiersOf: (identity: X509Identity) => Uint8Array;
  /** @throws {SelvageError} `IDENTITY_INVALID` */
  readonly deserialize: (serialized: Uint8Array) => X509Identity;
}

/**
 * Whether an identity of this MSP is what a principal asks for. Answers are undefined (it is) or the reason.
 * @see satisfiesPrincipalInternal* in hyperledger/fabric v2.5, msp/mspimpl.go
 */
export class PrincipalRules {
  readonly #parts: PrincipalRulesParts;
  readonly #adminIds: ReadonlySet<string>;

  constructor(parts: PrincipalRulesParts) {
    this.#parts = parts;
    this.#adminIds = new Set(parts.admins.map(({ id }) => id));
  }

  dissatisfaction(identity: X509Identity, principal: common.MSPPrincipal): string | undefined {
    try {
      return this.#problem(identity, principal, 0);
    } catch (thrown) {
      return messageOf(thrown);
    }
  }

  /** Why a configured administrator cannot be one. With NodeOUs it must be a client, or from 1.4.3 a client or an admin. */
  adminProblem(admin: X509Identity): string | undefined {
    const { ous, version } = this.#parts;
    if (version === '1.0' || !ous.enforced) return validityProblem(admin);
    const client = this.#hasNodeRole(admin, 'CLIENT');
    if (client === undefined || !isAtLeast(version, '1.4.3')) return client;
    const asAdmin = this.#hasNodeRole(admin, 'ADMIN');
    return asAdmin === undefined ? undefined : `${client},${asAdmin}`;
  }

  #problem(identity: X509Identity, { principalClassification: kind, principal }: common.MSPPrincipal, depth: number): string | undefined {
    const since13 = isAtLeast(this.#parts.version, '1.3');
    if (kind === CLASS.ROLE) return this.#role(identity, common.MSPRole.decode(principal));
    if (kind === CLASS.ORGANIZATION_UNIT) return this.#unit(identity, common.OrganizationUnit.decode(principal));
    if (kind === CLASS.IDENTITY) return this.#same(identity, principal);
    if (kind === CLASS.ANONYMITY && since13) return anonymity(common.MSPIdentityAnonymity.decode(principal).anonymityType);
    if (kind === CLASS.COMBINED && since13) return this.#combined(identity, common.CombinedPrincipal.decode(principal).principals, depth);
    return `invalid principal type ${kind}`;
  }

  #role(identity: X509Identity, { mspIdentifier, role }: common.MSPRole): string | undefined {
    const { mspId, version } = this.#parts;
    if (mspIdentifier !== mspId) return differentMsp(mspIdentifier, mspId);
    switch (role) {
      case ROLE.MEMBER:
        return validityProblem(identity);
      case ROLE.ADMIN:
        return this.#admin(identity);
      case ROLE.CLIENT:
        return this.#nodeRole(identity, 'CLIENT');
      case ROLE.PEER:
        return this.#nodeRole(identity, 'PEER');
      case ROLE.ORDERER:
        return isAtLeast(version, '1.4.3') ? this.#nodeRole(identity, 'ORDERER') : `invalid MSP role type ${role}`;
      default:
        return `invalid MSP role type ${role}`;
    }
  }

  /** A listed administrator is one without further questions, whatever became of its certificate. */
  #admin(identity: X509Identity): string | undefined {
    if (this.#adminIds.has(identity.id)) return undefined;
    if (!isAtLeast(this.#parts.version, '1.4.3')) return 'This identity is not an admin';
    const why = this.#hasNodeRole(identity, 'ADMIN');
    return why === undefined ? undefined : `The identity is not an admin under this MSP [${this.#parts.mspId}]: ${why}`;
  }

  #nodeRole(identity: X509Identity, role: NodeRole): string | undefined {
    const why = this.#hasNodeRole(identity, role);
    return why === undefined ? undefined : `The identity is not a [${role}] under this MSP [${this.#parts.mspId}]: ${why}`;
  }

  #hasNodeRole(identity: X509Identity, role: NodeRole): string | undefined {
    const { ous, mspId } = this.#parts;
    if (!ous.enforced) return ous.roleProblem([], role);
    const invalid = validityProblem(identity);
    if (invalid !== undefined) return `The identity is not valid under this MSP [${mspId}]: ${invalid}`;
    return ous.roleProblem(identity.certificate.organizationalUnits, role);
  }

  #unit(identity: X509Identity, wanted: common.OrganizationUnit): string | undefined {
    const { mspId, certifiersOf } = this.#parts;
    if (wanted.mspIdentifier !== mspId) return differentMsp(wanted.mspIdentifier, mspId);
    const invalid = validityProblem(identity);
    if (invalid !== undefined) return invalid;
    const named = identity.certificate.organizationalUnits.includes(wanted.organizationalUnitIdentifier);
    return named && equalBytes(certifiersOf(identity), wanted.certifiersIdentifier) ? undefined : 'The identities do not match';
  }

  #same(identity: X509Identity, serialized: Uint8Array): string | undefined {
    if (!this.#parts.deserialize(serialized).certificate.equals(identity.certificate)) return 'The identities do not match';
    return validityProblem(identity);
  }

  #combined(identity: X509Identity, principals: readonly common.MSPPrincipal[], depth: number): string | undefined {
    if (principals.length === 0) return 'No principals in CombinedPrincipal';
    if (depth >= MAX_COMBINATION_DEPTH) return 'combined principals are nested too deep';
    for (const principal of principals) {
      const why = this.#problem(identity, principal, depth + 1);
      if (why !== undefined) return why;
    }
    return undefined;
  }
}

const differentMsp = (expected: string, got: string): string =>
  `the identity is a member of a different MSP (expected ${expected}, got ${got})`;

function anonymity(kind: number): string | undefined {
  if (kind === ANONYMITY.NOMINAL) return undefined;
  if (kind === ANONYMITY.ANONYMOUS) return 'principal is anonymous, but X.509 MSP does not support anonymous identities';
  return `unknown principal anonymity type: ${kind}`;
}

function validityProblem(identity: X509Identity): string | undefined {
  try {
    identity.validate();
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
