/** One signature to be judged: `identity` (a SerializedIdentity) claims to have signed `data`. */
export interface SignedData {
  readonly data: Uint8Array;
  readonly identity: Uint8Array;
  readonly signature: Uint8Array;
}

/** A policy's answer. The reason is Fabric's text where clients see it. */
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export interface Policy {
  evaluate(signed: readonly SignedData[]): Promise<Verdict>;
}

/** The policies of one channel's configuration. */
export interface PolicyManager {
  /** By absolute path, like `/Channel/Application/Writers`. An unknown path gives a policy that refuses everything. */
  get(path: string): Policy;
  has(path: string): boolean;
  /** The manager of a sub-tree, like `['Application', 'Org1']`; undefined when there is no such group. */
  sub(groups: readonly string[]): PolicyManager | undefined;
}
