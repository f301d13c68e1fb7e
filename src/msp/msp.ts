import { hash as digestOf } from 'node:crypto';
import { hex, latin1Of } from '../common/bytes.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import { LruCache } from '../common/lru.ts';
import { msp as protos } from '../protos/messages.ts';
import { CaTree } from './identities/ca-tree.ts';
import { Certificate } from './identities/certificate.ts';
import { RevocationList } from './identities/revocation-list.ts';
import type { SignatureHash, SignatureVerifier } from './identities/signature-verifier.ts';
import { X509Identity } from './identities/x509-identity.ts';
import type { IdentityDeserializer } from './identity.ts';
import { isAtLeast, type MspVersion } from './msp-version.ts';
import { OuRules } from './ou-rules.ts';
import { PrincipalRules } from './principals.ts';

/**
 * Longer `SerializedIdentity` bytes are read each time rather than remembered, and all that are remembered are bounded in bytes: who
 * claims to be somebody fills this before any signature is looked at.
 */
const MAX_CACHED_LENGTH = 8_192;
const MAX_CACHED_BYTES = 8 * 1024 * 1024;
/** An identity in memory, with its certificate, key and names and what it is found by, is so many times its serialised bytes. */
const IN_MEMORY = 7;

const HASH_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['SHA256', 'sha256'],
  ['SHA384', 'sha384'],
  ['SHA3_256', 'sha3-256'],
  ['SHA3_384', 'sha3-384'],
]);

export interface MspParts {
  /** `FabricMSPConfig` bytes. */
  readonly config: Uint8Array;
  readonly version: MspVersion;
  readonly verifier: SignatureVerifier;
  /** The most identities that are remembered by their serialised bytes. */
  readonly identityCacheSize?: number;
}

/**
 * One organisation's X.509 identities: who belongs to it, and as what. It never changes; a new configuration is a new object.
 * @see hyperledger/fabric v2.5, msp/mspimpl.go, mspimplsetup.go, mspimplvalidate.go
 */
export class Msp implements IdentityDeserializer {
  readonly mspId: string;
  readonly version: MspVersion;
  /** Authorities of TLS certificates, DER, roots first. */
  readonly tlsAuthorities: { readonly roots: readonly Certificate[]; readonly intermediates: readonly Certificate[] };
  readonly #verifier: SignatureVerifier;
  /** How signatures of this MSP's identities are hashed. */
  readonly signatureHash: SignatureHash;
  readonly #identifierHash: string;
  readonly #authorities: CaTree;
  readonly #revocations: readonly RevocationList[];
  /** Authorities that have configured authorities below them: they may not issue identities. */
  readonly #innerAuthorities = new Set<string>();
  readonly #ous: OuRules;
  readonly #principals: PrincipalRules;
  readonly #cache: LruCache<string, X509Identity>;

  /** @throws {SelvageError} `CONFIG_INVALID`, naming what is wrong with the configuration */
  constructor({ config, version, verifier, identityCacheSize = 1_000 }: MspParts) {
    const decoded = decodeConfig(config);
    this.mspId = decoded.name;
    this.version = version;
    this.#verifier = verifier;
    const weigh = ({ serialized }: X509Identity): number => IN_MEMORY * serialized.length;
    this.#cache = new LruCache({ entries: identityCacheSize, weight: MAX_CACHED_BYTES, weigh });
    this.signatureHash = signatureHashOf(decoded.cryptoConfig?.signatureHashFamily || 'SHA2');
    this.#identifierHash = identifierHashOf(decoded.cryptoConfig?.identityIdentifierHashFunction || 'SHA256');
    try {
      this.#authorities = sanitisedAuthorities(decoded);
      const admins = decoded.admins.map((pem) => this.#admit(Certificate.fromPem(pem)));
      this.#revocations = decoded.revocationList.map((list) => new RevocationList(list));
      this.#checkAuthorities();
      this.tlsAuthorities = tlsAuthoritiesOf(decoded);
      this.#ous = new OuRules({ config: decoded, version, certifiersOf: (pem) => this.#certifiersOfAuthority(pem) });
      this.#principals = new PrincipalRules({
        mspId: this.mspId,
        version,
        admins,
        ous: this.#ous,
        certifiersOf: (identity) => this.#certifiersOf(identity),
        deserialize: (serialized) => this.deserialize(serialized),
      });
      this.#checkAdmins(admins);
    } catch (cause) {
      throw new SelvageError('CONFIG_INVALID', `MSP ${this.mspId}: ${messageOf(cause)}`, { cause, details: { mspId: this.mspId } });
    }
  }

  deserialize(serialized: Uint8Array): X509Identity {
    const key = serialized.length <= MAX_CACHED_LENGTH ? latin1Of(serialized) : undefined;
    const known = key === undefined ? undefined : this.#cache.get(key);
    if (known !== undefined) return known;
    const identity = this.#read(serialized);
    if (key !== undefined) this.#cache.set(key, identity);
    return identity;
  }

  /** The identity of a certificate of this MSP. @throws {SelvageError} `IDENTITY_INVALID` for an unknown issuer */
  identityOf(certificate: Certificate): X509Identity {
    return this.#admit(certificate);
  }

  #read(serialized: Uint8Array): X509Identity {
    try {
      const { mspid, idBytes } = protos.SerializedIdentity.decode(serialized);
      if (mspid !== this.mspId) throw new SelvageError('IDENTITY_INVALID', `expected MSP ID ${this.mspId}, received ${mspid}`);
      return this.#admit(Certificate.fromPem(idBytes));
    } catch (cause) {
      if (cause instanceof SelvageError && cause.code === 'IDENTITY_INVALID') throw cause;
      throw new SelvageError('IDENTITY_INVALID', `could not deserialize the identity: ${messageOf(cause)}`, { cause });
    }
  }

  #admit(raw: Certificate): X509Identity {
    const { certificate, chain } = this.#authorities.sanitise(raw);
    checkKey(certificate);
    return new X509Identity({
      mspId: this.mspId,
      id: digestOf(this.#identifierHash, certificate.der, 'hex'),
      certificate,
      chain,
      authorities: this.#authorities,
      hash: this.signatureHash,
      takesEd25519: isAtLeast(this.version, '3.0'),
      verifier: this.#verifier,
      rules: {
        validate: (identity) => this.#validate(identity),
        dissatisfaction: (identity, principal) => this.#principals.dissatisfaction(identity, principal),
      },
    });
  }

  #validate(identity: X509Identity): void {
    const { certificate } = identity;
    if (certificate.isCa) {
      throw new SelvageError(
        'IDENTITY_INVALID',
        'an X509 certificate with Basic Constraint: Certificate Authority equals true cannot be used as an identity',
      );
    }
    const [, issuer] = identity.chain;
    if (issuer === undefined) {
      throw new SelvageError('IDENTITY_INVALID', `expected a chain of length at least 2, got ${identity.chain.length}`);
    }
    if (this.#innerAuthorities.has(hex(issuer.der))) {
      throw new SelvageError('IDENTITY_INVALID', 'invalid validation chain. Parent certificate should be a leaf of the certification tree');
    }
    this.#checkRevocation(certificate, issuer);
    this.#ous.check(certificate.organizationalUnits, this.#certifiersOf(identity));
  }

  #checkRevocation(certificate: Certificate, issuer: Certificate): void {
    const issuerKeyId = issuer.extensions.subjectKeyId;
    if (issuerKeyId === undefined) throw new SelvageError('IDENTITY_INVALID', 'subjectKeyIdentifier not found in certificate');
    for (const list of this.#revocations) {
      if (list.authorityKeyId === undefined || Buffer.compare(list.authorityKeyId, issuerKeyId) !== 0) continue;
      if (list.lists(certificate) && list.isSignedWith(issuer))
        throw new SelvageError('IDENTITY_INVALID', 'The certificate has been revoked');
    }
  }

  #certifiersOf(identity: X509Identity): Uint8Array {
    return this.#certifiersIdentifier(identity.chain.slice(1));
  }

  /** Of a configured authority: the hash of its own chain, which is what leaves under it have above them. */
  #certifiersOfAuthority(pem: Uint8Array): Uint8Array {
    const known = this.#authorities.find(this.#authorities.sanitise(Certificate.fromPem(pem)).certificate);
    if (known === undefined) throw new SelvageError('CONFIG_INVALID', 'Failed adding OU. Certificate not in root or intermediate certs.');
    return this.#certifiersIdentifier(this.#authorities.chainOf(known));
  }

  /** @see getCertificationChainIdentifierFromChain in hyperledger/fabric v2.5, msp/mspimpl.go */
  #certifiersIdentifier(chain: readonly Certificate[]): Uint8Array {
    return new Uint8Array(digestOf(this.#identifierHash, Buffer.concat(chain.map(({ der }) => der)), 'buffer'));
  }

  #checkAuthorities(): void {
    const { roots, intermediates } = this.#authorities;
    for (const authority of [...roots, ...intermediates]) {
      checkIsAuthority(authority);
      const [, ...above] = this.#authorities.chainOf(authority);
      const [issuer] = above;
      if (issuer !== undefined) this.#checkRevocation(authority, issuer);
      for (const inner of above) this.#innerAuthorities.add(hex(inner.der));
    }
  }

  #checkAdmins(admins: readonly X509Identity[]): void {
    if (isAtLeast(this.version, '1.4.3') && admins.length === 0 && !this.#ous.hasAdminRole) {
      throw new SelvageError('CONFIG_INVALID', 'administrators must be declared when no admin ou classification is set');
    }
    for (const [at, admin] of admins.entries()) {
      const why = this.#principals.adminProblem(admin);
      if (why !== undefined) throw new SelvageError('CONFIG_INVALID', `admin ${at} is invalid [${why}]`);
    }
  }
}

function decodeConfig(config: Uint8Array): protos.FabricMSPConfig {
  try {
    const decoded = protos.FabricMSPConfig.decode(new Uint8Array(config));
    if (decoded.name === '') throw new SelvageError('CONFIG_INVALID', 'MSP configuration without a name');
    if (decoded.rootCerts.length === 0)
      throw new SelvageError('CONFIG_INVALID', `MSP ${decoded.name}: expected at least one CA certificate`);
    return decoded;
  } catch (cause) {
    if (cause instanceof SelvageError && cause.code === 'CONFIG_INVALID') throw cause;
    throw new SelvageError('CONFIG_INVALID', `failed unmarshalling fabric msp config: ${messageOf(cause)}`, { cause });
  }
}

function signatureHashOf(family: string): SignatureHash {
  if (family === 'SHA2') return 'sha256';
  if (family === 'SHA3') return 'sha3-256';
  throw new SelvageError('CONFIG_INVALID', `hash familiy not recognized [${family}]`);
}

function identifierHashOf(name: string): string {
  const algorithm = HASH_FUNCTIONS.get(name);
  if (algorithm === undefined) throw new SelvageError('CONFIG_INVALID', `failed getting hash options for [${name}]`);
  return algorithm;
}

function sanitisedAuthorities({ rootCerts, intermediateCerts }: protos.FabricMSPConfig): CaTree {
  const raw = new CaTree({ roots: certificatesOf(rootCerts), intermediates: certificatesOf(intermediateCerts) });
  const clean = (certificate: Certificate): Certificate => raw.sanitise(certificate).certificate;
  return new CaTree({ roots: raw.roots.map(clean), intermediates: raw.intermediates.map(clean) });
}

function tlsAuthoritiesOf({ tlsRootCerts, tlsIntermediateCerts }: protos.FabricMSPConfig): Msp['tlsAuthorities'] {
  const tree = new CaTree({ roots: certificatesOf(tlsRootCerts), intermediates: certificatesOf(tlsIntermediateCerts) });
  for (const authority of [...tree.roots, ...tree.intermediates]) {
    checkIsAuthority(authority);
    tree.chainOf(authority);
  }
  return { roots: tree.roots, intermediates: tree.intermediates };
}

const certificatesOf = (pems: readonly Uint8Array[]): Certificate[] => pems.map((pem) => Certificate.fromPem(pem));

function checkIsAuthority(certificate: Certificate): void {
  const { isCa, extensions, serial } = certificate;
  if (!isCa) throw new SelvageError('CONFIG_INVALID', `CA Certificate did not have the CA attribute, (SN: ${serial})`);
  if (extensions.subjectKeyId === undefined) {
    throw new SelvageError('CONFIG_INVALID', `CA Certificate problem with Subject Key Identifier extension, (SN: ${serial})`);
  }
  checkKey(certificate);
}

/** @throws {SelvageError} `MALFORMED` now, rather than when the first signature is judged */
const checkKey = (certificate: Certificate): void => void certificate.publicKey;
