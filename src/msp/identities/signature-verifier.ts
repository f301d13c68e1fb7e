import { hash as digestOf, type KeyObject, verify } from 'node:crypto';
import { LruCache } from '../../common/lru.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import { acceptableSignature, curveOrder } from './ecdsa.ts';
import { type SignatureJob, SignatureWork } from './signature-work.ts';

/** How an MSP's signatures are hashed before they are signed. */
export type SignatureHash = 'sha256' | 'sha3-256';

export interface SignatureCheck {
  /** Identifier of the identity whose key this is: results are remembered under it. */
  readonly identityId: string;
  readonly key: KeyObject;
  /** Undefined for Ed25519, which signs the message itself. */
  readonly hash: SignatureHash | undefined;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export interface SignatureVerifierParts {
  /** The most results that are remembered. */
  readonly cacheSize?: number;
  /** Shared with whoever else has signatures made or judged. */
  readonly work?: SignatureWork;
}

/** Judges ECDSA signatures, and those of Ed25519, where {@link SignatureWork} says. What was judged before is remembered. */
export class SignatureVerifier {
  readonly #results: LruCache<string, boolean>;
  readonly #pending = new Map<string, Promise<boolean>>();
  readonly #work: SignatureWork;

  constructor({ cacheSize = 20_000, work = new SignatureWork() }: SignatureVerifierParts = {}) {
    this.#results = new LruCache(cacheSize);
    this.#work = work;
  }

  /** Low S is required, bytes after the DER sequence are not looked at. Never throws. */
  verify(check: SignatureCheck): MaybePromise<boolean> {
    const signature = check.hash === undefined ? ed25519Signature(check) : ecdsaSignature(check);
    if (signature === undefined) return false;
    const key = resultKey(check, signature);
    const known = this.#results.get(key);
    if (known !== undefined) return known;
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const result = this.#work.run(jobOf(check, signature)).then((ok) => {
      this.#results.set(key, ok);
      this.#pending.delete(key);
      return ok;
    });
    this.#pending.set(key, result);
    return result;
  }

  /** Takes a signature for good that was just made with the key. Its check is answered at once from then on. */
  vouch(check: Omit<SignatureCheck, 'key'>): void {
    this.#results.set(resultKey(check, check.signature), true);
  }
}

const jobOf = ({ hash, message, key }: SignatureCheck, signature: Uint8Array): SignatureJob<boolean> => ({
  now: () => {
    try {
      return verify(hash, message, key, signature);
    } catch {
      return false; // a key or signature that OpenSSL cannot even try
    }
  },
  onThread: (done) => verify(hash, message, key, signature, (error, ok) => done(null, error === null && ok)),
});

function ecdsaSignature({ key, signature }: SignatureCheck): Uint8Array | undefined {
  const order = curveOrder(key);
  return order === undefined ? undefined : acceptableSignature(signature, order);
}

const ED25519_BYTES = 64;

const ed25519Signature = ({ key, signature }: SignatureCheck): Uint8Array | undefined =>
  key.asymmetricKeyType === 'ed25519' && signature.length === ED25519_BYTES ? signature : undefined;

/** The digest stands for the message; 32 bytes that nobody can find twice. */
const resultKey = (check: Omit<SignatureCheck, 'key'>, signature: Uint8Array): string =>
  `${check.identityId}:${digestOf(check.hash ?? 'sha256', check.message, 'base64')}:${Buffer.from(signature).toString('base64')}`;
