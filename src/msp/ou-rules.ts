import { equalBytes } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { msp } from '../protos/messages.ts';
import { isAtLeast, type MspVersion } from './msp-version.ts';

export type NodeRole = 'CLIENT' | 'PEER' | 'ADMIN' | 'ORDERER';

interface NodeOu {
  readonly name: string;
  /** Undefined when the entry names no certificate: then any issuer of this MSP will do. */
  readonly certifiers: Uint8Array | undefined;
}

export interface OuRulesParts {
  readonly config: msp.FabricMSPConfig;
  readonly version: MspVersion;
  /** Certifiers identifier of a configured authority. @throws {SelvageError} when it is not one */
  readonly certifiersOf: (pem: Uint8Array) => Uint8Array;
}

const invalid = (why: string): SelvageError => new SelvageError('IDENTITY_INVALID', why);

/**
 * What the organizational units of a certificate must be in one MSP.
 * @see validateIdentityOUs* in hyperledger/fabric v2.5, msp/mspimplvalidate.go; setupOUs, setupNodeOUs* in msp/mspimplsetup.go
 */
export class OuRules {
  readonly #mspId: string;
  readonly #version: MspVersion;
  readonly #required: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly #roles: ReadonlyMap<NodeRole, NodeOu>;
  /** Certificates are classified by their OU. */
  readonly enforced: boolean;

  constructor({ config, version, certifiersOf }: OuRulesParts) {
    this.#mspId = config.name;
    this.#version = version;
    this.#required = requiredOus(config, certifiersOf);
    this.#roles = nodeRoles(config.fabricNodeOus, version, certifiersOf);
    this.enforced = (config.fabricNodeOus?.enable ?? false) && this.#roles.size > 0;
  }

  get hasAdminRole(): boolean {
    return this.enforced && this.#roles.has('ADMIN');
  }

  /** @param certifiers identifier of the chain above the leaf @throws {SelvageError} `IDENTITY_INVALID` */
  check(units: readonly string[], certifiers: Uint8Array): void {
    this.#checkRequired(units, certifiers);
    if (this.enforced) this.#checkNodeRole(units, certifiers);
  }

  /** Nothing when a valid identity has the role, else why not. */
  roleProblem(units: readonly string[], role: NodeRole): string | undefined {
    if (!this.enforced) return 'NodeOUs not activated. Cannot tell apart identities.';
    const entry = this.#roles.get(role);
    if (entry === undefined) return `cannot test for classification, node ou for type [${role}], not defined, msp: [${this.#mspId}]`;
    return units.includes(entry.name) ? undefined : `The identity does not contain OU [${role}], MSP: [${this.#mspId}]`;
  }

  #checkRequired(units: readonly string[], certifiers: Uint8Array): void {
    if (this.#required.size === 0) return;
    if (units.some((unit) => this.#required.get(unit)?.some((allowed) => equalBytes(allowed, certifiers)))) return;
    if (units.length === 0) throw invalid('the identity certificate does not contain an Organizational Unit (OU)');
    throw invalid(`none of the identity's organizational units [${units.join(' ')}] are in MSP ${this.#mspId}`);
  }

  #checkNodeRole(units: readonly string[], certifiers: Uint8Array): void {
    let roles = 0;
    for (const unit of units) {
      const entry = this.#roleOf(unit);
      if (entry === undefined) continue;
      if (entry.certifiers !== undefined && !equalBytes(entry.certifiers, certifiers)) {
        throw invalid(`certifiersIdentifier does not match: [${units.join(' ')}], MSP: [${this.#mspId}]`);
      }
      roles += 1;
    }
    if (roles === 1) return;
    const [one, several] = isAtLeast(this.#version, '1.4.3') ? LATER : EARLIER;
    throw invalid(`${roles === 0 ? one : several}. OUs: [${units.join(' ')}], MSP: [${this.#mspId}]`);
  }

  /** Where two roles share a name, the last configured one speaks, as in Fabric's map. */
  #roleOf(unit: string): NodeOu | undefined {
    return [...this.#roles.values()].findLast((entry) => entry.name === unit);
  }
}

const EARLIER = [
  'the identity does not have an OU that resolves to client or peer',
  'the identity must be a client or a peer identity to be valid, not a combination of them',
] as const;
const LATER = [
  'the identity does not have an OU that resolves to client, peer, orderer, or admin role',
  'the identity must be a client, a peer, an orderer, or an admin identity to be valid, not a combination of them',
] as const;

function requiredOus(config: msp.FabricMSPConfig, certifiersOf: OuRulesParts['certifiersOf']): ReadonlyMap<string, readonly Uint8Array[]> {
  const required = new Map<string, Uint8Array[]>();
  for (const { certificate, organizationalUnitIdentifier: name } of config.organizationalUnitIdentifiers) {
    const certifiers = certifiersOf(certificate);
    required.set(name, [...(required.get(name) ?? []), certifiers]);
  }
  return required;
}

/** 1.0 knows no NodeOUs; 1.1 wants client and peer and knows no others; from 1.4.3 each of the four may be left out. */
function nodeRoles(
  config: msp.FabricNodeOUs | undefined,
  version: MspVersion,
  certifiersOf: OuRulesParts['certifiersOf'],
): ReadonlyMap<NodeRole, NodeOu> {
  const roles = new Map<NodeRole, NodeOu>();
  if (config === undefined || version === '1.0') return roles;
  const add = (role: NodeRole, identifier: msp.FabricOUIdentifier | undefined): void => {
    if (!isNamed(identifier)) return;
    const { certificate, organizationalUnitIdentifier: name } = identifier;
    roles.set(role, { name, certifiers: certificate.length === 0 ? undefined : certifiersOf(certificate) });
  };
  if (!isAtLeast(version, '1.4.3')) {
    if (!isNamed(config.clientOuIdentifier))
      throw new SelvageError('CONFIG_INVALID', 'Failed setting up NodeOUs. ClientOU must be different from nil.');
    if (!isNamed(config.peerOuIdentifier))
      throw new SelvageError('CONFIG_INVALID', 'Failed setting up NodeOUs. PeerOU must be different from nil.');
  }
  add('CLIENT', config.clientOuIdentifier);
  add('PEER', config.peerOuIdentifier);
  if (!isAtLeast(version, '1.4.3')) return roles;
  add('ADMIN', config.adminOuIdentifier);
  add('ORDERER', config.ordererOuIdentifier);
  return roles;
}

/** An entry without a name counts as absent. */
const isNamed = (identifier: msp.FabricOUIdentifier | undefined): identifier is msp.FabricOUIdentifier =>
  identifier !== undefined && identifier.organizationalUnitIdentifier !== '';
