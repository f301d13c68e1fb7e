import type { LocalSigner } from '../msp/identities/local-signer.ts';
import { pkiIdOf } from './wire/ids.ts';

/** Who this peer is to others, for as long as its process lives. */
export interface OwnPeer {
  readonly pkiId: Uint8Array;
  readonly mspId: string;
  /** `SerializedIdentity` bytes. */
  readonly identity: Uint8Array;
  /** `host:port` for everybody; '' when it shall not be reached from outside its organisation. */
  readonly endpoint: string;
  /** `host:port` for its own organisation. */
  readonly internalEndpoint: string;
  /** Greater than that of every run before: others believe the newest. Nanoseconds of the start, as a rule. */
  readonly incarnation: bigint;
  /** Signs at once, as `LocalSigner` does. */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

export interface OwnPeerParts {
  readonly signer: Pick<LocalSigner, 'mspId' | 'serialized' | 'sign'>;
  readonly endpoint: string;
  readonly internalEndpoint: string;
  readonly incarnation: bigint;
}

export const ownPeer = ({ signer, ...parts }: OwnPeerParts): OwnPeer => ({
  ...parts,
  pkiId: pkiIdOf(signer.serialized),
  mspId: signer.mspId,
  identity: signer.serialized,
  sign: (message) => signer.sign(message),
});
