import type { Signer } from '../identity.ts';
import type { LocalSigner } from './local-signer.ts';
import type { SignatureVerifier } from './signature-verifier.ts';
import type { SignatureWork } from './signature-work.ts';

export interface EndorsingSignerParts {
  readonly signer: LocalSigner;
  /** Of the signer, as an MSP knows it. */
  readonly identityId: string;
  /** Judges the endorsements in blocks. */
  readonly verifier: SignatureVerifier;
  readonly work: SignatureWork;
}

/**
 * Signs for many calls at a time, where {@link SignatureWork} says. What was signed need not be judged when it comes back in a block: the
 * verifier learns of it.
 */
export class EndorsingSigner implements Signer {
  readonly mspId: string;
  readonly serialized: Uint8Array;
  readonly #parts: EndorsingSignerParts;

  constructor(parts: EndorsingSignerParts) {
    this.mspId = parts.signer.mspId;
    this.serialized = parts.signer.serialized;
    this.#parts = parts;
  }

  async sign(message: Uint8Array): Promise<Uint8Array> {
    const { signer, identityId, verifier, work } = this.#parts;
    const signature = await work.run({ now: () => signer.sign(message), onThread: (done) => signer.signOnThread(message, done) });
    verifier.vouch({ identityId, hash: signer.hash, message, signature });
    return signature;
  }
}
