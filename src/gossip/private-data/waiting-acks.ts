import { hex } from '../../common/bytes.ts';
import { type Deferred, deferred } from '../../common/deferred.ts';

/** Pushes that wait for the word of the peer they were given to. The first word counts: peers of Fabric 2.5 say yes after a no. */
export class WaitingAcks {
  readonly #waiting = new Map<string, Deferred<string>>();

  /** The error text of the word for a push, '' where it was kept; forgotten when disposed. */
  expect(pkiId: Uint8Array, nonce: bigint): { readonly word: Promise<string> } & Disposable {
    const key = keyOf(pkiId, nonce);
    const word = deferred<string>();
    this.#waiting.set(key, word);
    return { word: word.promise, [Symbol.dispose]: () => void this.#waiting.delete(key) };
  }

  /** A word has come. One that nobody waits for is dropped. */
  settle(pkiId: Uint8Array, nonce: bigint, error: string): void {
    this.#waiting.get(keyOf(pkiId, nonce))?.resolve(error);
  }
}

const keyOf = (pkiId: Uint8Array, nonce: bigint): string => `${nonce} ${hex(pkiId)}`;
