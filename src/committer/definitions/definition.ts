import type { Checked } from '../validation/outcome.ts';
import type { EndorsementPolicy } from './endorsement-policy.ts';

/** What decides over writes to one namespace. */
export interface NamespaceDefinition {
  readonly namespace: string;
  /** Version of the chaincode; undefined for system chaincodes, whose version nobody compares. */
  readonly version: string | undefined;
  /** Name of the validation plugin. */
  readonly plugin: string;
  readonly policy: EndorsementPolicy;
  /** The policy of a collection; `undefined` as value where the namespace's own decides, and invalid for an unknown collection. */
  collectionPolicy(collection: string): Checked<EndorsementPolicy | undefined>;
}
