import type { MaybePromise } from '../../common/maybe.ts';
import type { common } from '../../protos/messages.ts';
import type { Identity } from '../identity.ts';
import type { CaTree, Chain } from './ca-tree.ts';
import type { Certificate } from './certificate.ts';
import { serializeIdentity } from './serialized-identity.ts';
import type { SignatureHash, SignatureVerifier } from './signature-verifier.ts';

/** The MSP's judgement of its identities. */
export interface IdentityRules {
  /** @throws {SelvageError} `IDENTITY_INVALID` */
  validate(identity: X509Identity): void;
  dissatisfaction(identity: X509Identity, principal: common.MSPPrincipal): string | undefined;
}

export interface X509IdentityParts {
  readonly mspId: string;
  readonly id: string;
  /** Sanitised. */
  readonly certificate: Certificate;
  /** Known already where sanitising had to find it. */
  readonly chain: Chain | undefined;
  readonly authorities: CaTree;
  readonly rules: IdentityRules;
  readonly hash: SignatureHash;
  /** Whether keys of Ed25519 count, which is so from channel capability V3_0 on. */
  readonly takesEd25519: boolean;
  readonly verifier: SignatureVerifier;
}

/** Somebody with an X.509 certificate. Made by its MSP; validity is judged once and remembered. */
export class X509Identity implements Identity {
  readonly mspId: string;
  readonly id: string;
  readonly certificate: Certificate;
  readonly serialized: Uint8Array;
  readonly #parts: X509IdentityParts;
  #chain: Chain | undefined;
  #validity: { readonly failure: unknown } | 'valid' | undefined;

  constructor(parts: X509IdentityParts) {
    this.#parts = parts;
    this.#chain = parts.chain;
    this.mspId = parts.mspId;
    this.id = parts.id;
    this.certificate = parts.certificate;
    this.serialized = serializeIdentity(parts.mspId, parts.certificate.der);
  }

  get notAfter(): Date {
    return this.certificate.notAfter;
  }

  /** @throws {SelvageError} `IDENTITY_INVALID` when there is none, or more than one */
  get chain(): Chain {
    this.#chain ??= this.#parts.authorities.chainOf(this.certificate);
    return this.#chain;
  }

  validate(): void {
    if (this.#validity === undefined) {
      try {
        this.#parts.rules.validate(this);
        this.#validity = 'valid';
      } catch (failure) {
        this.#validity = { failure };
      }
    }
    if (this.#validity !== 'valid') throw this.#validity.failure;
  }

  verify(message: Uint8Array, signature: Uint8Array): MaybePromise<boolean> {
    const { id, hash, takesEd25519, verifier } = this.#parts;
    const { publicKey: key } = this.certificate;
    const isEd25519 = key.asymmetricKeyType === 'ed25519';
    if (isEd25519 && !takesEd25519) return false;
    return verifier.verify({ identityId: id, key, hash: isEd25519 ? undefined : hash, message, signature });
  }

  dissatisfaction(principal: common.MSPPrincipal): string | undefined {
    return this.#parts.rules.dissatisfaction(this, principal);
  }
}
