import { concatBytes } from '../../common/bytes.ts';
import type { Identity } from '../identity.ts';

/** One signature to be judged: `identity` (a SerializedIdentity) claims to have signed `data`. */
export interface SignedData {
  readonly data: Uint8Array;
  readonly identity: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * A signature over several parts, one after the other. They are joined when somebody looks at `data`, each time: of a thousand
 * signatures over one large part, memory never holds a thousand copies.
 */
export class SignedParts implements SignedData {
  readonly identity: Uint8Array;
  readonly signature: Uint8Array;
  readonly #parts: readonly Uint8Array[];

  constructor(parts: readonly Uint8Array[], { identity, signature }: Pick<SignedData, 'identity' | 'signature'>) {
    this.#parts = parts;
    this.identity = identity;
    this.signature = signature;
  }

  get data(): Uint8Array {
    return concatBytes(...this.#parts);
  }
}

/** A policy's answer. The reason is Fabric's text where clients see it. */
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export interface Policy {
  evaluate(signed: readonly SignedData[]): Promise<Verdict>;
}

/** One that can also be asked about identities alone. */
export interface ConfiguredPolicy extends Policy {
  /** The same for identities whose signatures were judged before, or do not matter. */
  evaluateIdentities(identities: readonly Identity[]): Verdict;
}

/** The policies of one channel's configuration. */
export interface PolicyManager {
  /** By absolute path, like `/Channel/Application/Writers`. An unknown path gives a policy that refuses everything. */
  get(path: string): ConfiguredPolicy;
  has(path: string): boolean;
  /** The manager of a sub-tree, like `['Application', 'Org1']`; undefined when there is no such group. */
  sub(groups: readonly string[]): PolicyManager | undefined;
}
