import type { MaybePromise } from '../common/maybe.ts';
import type { common } from '../protos/messages.ts';

/** Somebody whose certificate an MSP of this peer could read. Deserialising says nothing about validity: ask {@link validate}. */
export interface Identity {
  readonly mspId: string;
  /** Lower-case hex SHA-256 of the sanitised DER. With `mspId` it identifies the identity (Fabric's IdentityIdentifier). */
  readonly id: string;
  /** Canonical `SerializedIdentity` bytes: sanitised certificate, PEM in 64 columns. */
  readonly serialized: Uint8Array;
  readonly notAfter: Date;

  /**
   * Chain, revocation and OU rules of the MSP, at the certificate's own start time: expiry is not looked at.
   * @throws {SelvageError} `IDENTITY_INVALID`
   */
  validate(): void;

  /** Whether the signature is this identity's over `message` (SHA-256, ECDSA, low S required). Never throws. */
  verify(message: Uint8Array, signature: Uint8Array): MaybePromise<boolean>;

  /** Nothing when the principal is satisfied, else the reason why not. */
  dissatisfaction(principal: common.MSPPrincipal): string | undefined;
}

/** Reads `SerializedIdentity` bytes: one MSP, or all MSPs of a channel. */
export interface IdentityDeserializer {
  /** @throws {SelvageError} `IDENTITY_INVALID` for an unknown MSP, a certificate that does not parse, or an unknown issuer */
  deserialize(serialized: Uint8Array): Identity;
}

/** An identity whose private key is ours. */
export interface Signer {
  readonly mspId: string;
  /** The creator or endorser bytes that go with its signatures. */
  readonly serialized: Uint8Array;
  /** DER ECDSA with low S over SHA-256(message). */
  sign(message: Uint8Array): MaybePromise<Uint8Array>;
}
