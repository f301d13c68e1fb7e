import type { EndorsementPolicy } from './endorsement-policy.ts';

/** What a look-up found, or in Fabric's words why there is nothing to be found. */
export type Found<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly details: Readonly<Record<string, string>> };

export const found = <T>(value: T): Found<T> => ({ ok: true, value });

export const missing = (message: string, details: Readonly<Record<string, string>>): Found<never> => ({ ok: false, message, details });

/** What decides over writes to one namespace. */
export interface NamespaceDefinition {
  readonly namespace: string;
  /** Version of the chaincode; undefined for system chaincodes, whose version nobody compares. */
  readonly version: string | undefined;
  /** Name of the validation plugin. */
  readonly plugin: string;
  readonly policy: EndorsementPolicy;
  /** The policy of a collection; `undefined` as value where the namespace's own decides, and nothing for an unknown collection. */
  collectionPolicy(collection: string): Found<EndorsementPolicy | undefined>;
}
