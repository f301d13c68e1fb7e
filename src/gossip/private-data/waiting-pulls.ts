import { equalBytes, hex } from '../../common/bytes.ts';
import { type Deferred, deferred } from '../../common/deferred.ts';
import { gossip } from '../../protos/messages.ts';

/** What a digest says, whoever writes it. */
const keyOf = (digest: gossip.PvtDataDigestInit): string => hex(gossip.PvtDataDigest.encode(digest));

interface Pull {
  readonly pkiId: Uint8Array;
  readonly nonce: bigint;
  /** Asked for and not given yet. */
  readonly wanted: Set<string>;
  readonly given: gossip.PvtDataElement[];
  readonly answered: Deferred<readonly gossip.PvtDataElement[]>;
}

/**
 * Requests for private data that wait for their answers. What is given is recognised by its digest, which must repeat the one asked for;
 * the answer itself by the request's nonce, which other implementations may leave out.
 * @see fetchPrivateData in hyperledger/fabric v2.5, gossip/privdata/pull.go
 */
export class WaitingPulls {
  readonly #waiting = new Set<Pull>();

  /** What a peer gives for these digests; forgotten when disposed. */
  expect(
    pkiId: Uint8Array,
    nonce: bigint,
    digests: readonly gossip.PvtDataDigestInit[],
  ): { readonly elements: Promise<readonly gossip.PvtDataElement[]> } & Disposable {
    const pull: Pull = { pkiId, nonce, wanted: new Set(digests.map(keyOf)), given: [], answered: deferred() };
    this.#waiting.add(pull);
    return { elements: pull.answered.promise, [Symbol.dispose]: () => void this.#waiting.delete(pull) };
  }

  /** An answer has come. Elements that this peer was not asked for are dropped. */
  settle(pkiId: Uint8Array, nonce: bigint, elements: readonly gossip.PvtDataElement[]): void {
    for (const pull of this.#waiting) {
      if (!equalBytes(pull.pkiId, pkiId)) continue;
      for (const element of elements) {
        if (element.digest !== undefined && pull.wanted.delete(keyOf(element.digest))) pull.given.push(element);
      }
      if (pull.nonce === nonce || pull.wanted.size === 0) pull.answered.resolve(pull.given);
    }
  }
}
