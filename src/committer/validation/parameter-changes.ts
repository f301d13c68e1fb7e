import type { NamespaceSet } from './read-write-set.ts';

/**
 * Which transactions of one block change the validation parameters of which keys. A later transaction that writes such a key
 * must wait for the verdict over the earlier one: parameters take effect with the next block only.
 * @see KeyLevelValidationParameterManagerImpl in hyperledger/fabric v2.5, core/common/validation/statebased/vpmanagerimpl.go
 */
export class ParameterChanges {
  readonly #changers = new Map<string, number[]>();
  readonly #verdicts = new Map<string, Verdict>();

  /** Called for every transaction before any is judged. */
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
    this.#verdicts.get(verdictId(index, namespace))?.resolve(ok);
  }

  /** Says that transaction `index` is over: what was not judged did not succeed. */
  finish(index: number): void {
    for (const verdict of this.#verdicts.values()) if (verdict.index === index) verdict.resolve(false);
  }

  /** The index of an earlier transaction that changes the key's parameters, once it is known whether it may. */
  async changedBefore(index: number, key: KeyName): Promise<number | undefined> {
    for (const changer of this.#changers.get(keyId(key)) ?? []) {
      if (changer < index && (await this.#verdicts.get(verdictId(changer, key.namespace))?.promise)) return changer;
    }
    return undefined;
  }

  #add(index: number, key: KeyName): void {
    const changers = this.#changers.get(keyId(key)) ?? [];
    this.#changers.set(keyId(key), [...changers, index]);
    const id = verdictId(index, key.namespace);
    if (!this.#verdicts.has(id)) this.#verdicts.set(id, new Verdict(index));
  }
}

/** A key in the state: `collection` is empty for public keys, and private keys are the latin1 text of their hash. */
export interface KeyName {
  readonly namespace: string;
  readonly collection: string;
  readonly key: string;
}

class Verdict {
  readonly index: number;
  readonly promise: Promise<boolean>;
  resolve: (ok: boolean) => void = () => undefined;

  constructor(index: number) {
    this.index = index;
    this.promise = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }
}

export const latin1 = (hash: Uint8Array): string => Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('latin1');

const keyId = ({ namespace, collection, key }: KeyName): string => JSON.stringify([namespace, collection, key]);
const verdictId = (index: number, namespace: string): string => `${index} ${namespace}`;
