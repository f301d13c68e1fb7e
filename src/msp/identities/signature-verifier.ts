import { hash as digestOf, type KeyObject, verify } from 'node:crypto';
import { LruCache } from '../../common/lru.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import { acceptableSignature, curveOrder } from './ecdsa.ts';

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
}

interface Waiting {
  readonly check: SignatureCheck;
  readonly signature: Uint8Array;
  readonly settle: (ok: boolean) => void;
}

/**
 * Judges ECDSA signatures, and those of Ed25519. A check that is alone runs at once on this thread, which is quickest for it; several that are
 * asked for together go to the thread pool. What was judged before is remembered.
 */
export class SignatureVerifier {
  readonly #results: LruCache<string, boolean>;
  readonly #pending = new Map<string, Promise<boolean>>();
  #queue: Waiting[] = [];
  #onThreads = 0;

  constructor({ cacheSize = 20_000 }: SignatureVerifierParts = {}) {
    this.#results = new LruCache(cacheSize);
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
    const result = this.#enqueue(check, signature).then((ok) => {
      this.#results.set(key, ok);
      this.#pending.delete(key);
      return ok;
    });
    this.#pending.set(key, result);
    return result;
  }

  /** Waits for the end of the current turn, so that it is known who else asks. */
  #enqueue(check: SignatureCheck, signature: Uint8Array): Promise<boolean> {
    return new Promise((settle) => {
      this.#queue.push({ check, signature, settle });
      if (this.#queue.length === 1) queueMicrotask(() => this.#flush());
    });
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    const alone = queue.length === 1 && this.#onThreads === 0;
    for (const waiting of queue) {
      if (alone) waiting.settle(verifyNow(waiting));
      else this.#verifyOnThread(waiting);
    }
  }

  #verifyOnThread({ check, signature, settle }: Waiting): void {
    this.#onThreads += 1;
    verify(check.hash, check.message, check.key, signature, (error, ok) => {
      this.#onThreads -= 1;
      settle(error === null && ok);
    });
  }
}

function verifyNow({ check, signature }: Waiting): boolean {
  try {
    return verify(check.hash, check.message, check.key, signature);
  } catch {
    return false; // a key or signature that OpenSSL cannot even try
  }
}

function ecdsaSignature({ key, signature }: SignatureCheck): Uint8Array | undefined {
  const order = curveOrder(key);
  return order === undefined ? undefined : acceptableSignature(signature, order);
}

const ED25519_BYTES = 64;

const ed25519Signature = ({ key, signature }: SignatureCheck): Uint8Array | undefined =>
  key.asymmetricKeyType === 'ed25519' && signature.length === ED25519_BYTES ? signature : undefined;

/** The digest stands for the message; 32 bytes that nobody can find twice. */
const resultKey = (check: SignatureCheck, signature: Uint8Array): string =>
  `${check.identityId}:${digestOf(check.hash ?? 'sha256', check.message, 'base64')}:${Buffer.from(signature).toString('base64')}`;
