import type { NamespaceSet } from './read-write-set.ts';

/**
 * Which transactions of one block change the validation parameters of which keys. A later transaction that writes such a key
 * must wait for the verdict over the earlier one: parameters take effect with the next block only.
 * @see KeyLevelValidationParameterManagerImpl in hyperledger/fabric v2.5, core/common/validation/statebased/vpmanagerimpl.go
 */
export class ParameterChanges {
  readonly #changers = new Map<string, Changers>();
  /** By index, then by namespace. */
  readonly #verdicts = new Map<number, Map<string, Verdict>>();

  /** Called once for every transaction, in the order of the block, before any is judged. */
  announce(index: number, sets: readonly NamespaceSet[]): void {
    for (const {
      namespace,
      public: { metadataWrites },
      collections,
    } of sets) {
      for (const { key } of metadataWrites) this.#add(index, { namespace, collection: '', key });
      for (const { name, hashed } of collections) {
        for (const { keyHash } of hashed.metadataWrites) this.#add(index, { namespace, collection: name, key: latin1(keyHash) });
      }
    }
  }

  /** Says how the endorsements of transaction `index` for `namespace` were judged. */
  settle(index: number, namespace: string, ok: boolean): void {
    this.#verdicts.get(index)?.get(namespace)?.resolve(ok);
  }

  /** Says that transaction `index` is over: what was not judged did not succeed. */
  finish(index: number): void {
    for (const verdict of this.#verdicts.get(index)?.values() ?? []) verdict.resolve(false);
  }

  /** The index of an earlier transaction that changes the key's parameters, once it is known whether it may. */
  async changedBefore(index: number, key: KeyName): Promise<number | undefined> {
    return this.#changers.get(keyId(key))?.firstBefore(index);
  }

  #add(index: number, key: KeyName): void {
    const id = keyId(key);
    const changers = this.#changers.get(id) ?? new Changers();
    this.#changers.set(id, changers);
    changers.add(index, this.#verdict(index, key.namespace));
  }

  #verdict(index: number, namespace: string): Verdict {
    const ofTransaction = this.#verdicts.get(index) ?? new Map<string, Verdict>();
    this.#verdicts.set(index, ofTransaction);
    const verdict = ofTransaction.get(namespace) ?? new Verdict();
    ofTransaction.set(namespace, verdict);
    return verdict;
  }
}

/** The transactions that change one key, in order. What is asked of them costs a binary search and one promise, however many they are. */
class Changers {
  readonly #indexes: number[] = [];
  readonly #verdicts: Verdict[] = [];
  /** At each place: the first of the changers up to there that may, once that is known. */
  readonly #firsts: Promise<number | undefined>[] = [];

  /** A transaction that says it again says nothing new. */
  add(index: number, verdict: Verdict): void {
    if (this.#indexes.at(-1) === index) return;
    this.#indexes.push(index);
    this.#verdicts.push(verdict);
  }

  firstBefore(index: number): Promise<number | undefined> | undefined {
    const count = this.#countBefore(index);
    for (let at = this.#firsts.length; at < count; at += 1) this.#firsts.push(this.#firstUpTo(at));
    return this.#firsts[count - 1];
  }

  async #firstUpTo(at: number): Promise<number | undefined> {
    const earlier = await this.#firsts[at - 1];
    if (earlier !== undefined) return earlier;
    return (await this.#verdicts[at]?.promise) === true ? this.#indexes[at] : undefined;
  }

  #countBefore(index: number): number {
    let [low, high] = [0, this.#indexes.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#indexes[middle] ?? index) < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A key in the state: `collection` is empty for public keys, and private keys are the latin1 text of their hash. */
export interface KeyName {
  readonly namespace: string;
  readonly collection: string;
  readonly key: string;
}

class Verdict {
  readonly promise: Promise<boolean>;
  resolve: (ok: boolean) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}

export const latin1 = (hash: Uint8Array): string => Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('latin1');

const keyId = ({ namespace, collection, key }: KeyName): string => JSON.stringify([namespace, collection, key]);
