import type { TouchedState } from '../ledger/simulator/tx-simulator.ts';
import { common, type protos } from '../protos/messages.ts';

/** Name of the metadata entry that holds a key's own endorsement policy. */
const VALIDATION_PARAMETER = 'VALIDATION_PARAMETER';

/** What is asked for in one namespace. */
interface Concern {
  /** Undefined: nothing of the public state is concerned. False: only keys with a policy of their own are. */
  namespacePolicy: boolean | undefined;
  readonly keyPolicies: common.SignaturePolicyEnvelope[];
  /** Collections, and whether values of them were read. */
  readonly collections: Map<string, boolean>;
}

/**
 * Which policies what a transaction did concerns, for who looks for further endorsers: one call for the public state of each namespace
 * and one for each collection. System chaincodes are left out.
 * @throws {SelvageError} `MALFORMED` for a key's policy that is none
 * @see buildChaincodeInterest in hyperledger/fabric v2.5, core/endorser/endorser.go
 */
export function chaincodeInterest(touched: TouchedState, isSystem: (name: string) => boolean): protos.ChaincodeInterestInit {
  const chaincodes: protos.ChaincodeCallInit[] = [];
  for (const [name, { namespacePolicy, keyPolicies, collections }] of concernsOf(touched, isSystem)) {
    if (keyPolicies.length > 0) chaincodes.push({ name, keyPolicies, disregardNamespacePolicy: namespacePolicy !== true });
    else if (namespacePolicy === true) chaincodes.push({ name });
    for (const [collection, read] of collections) chaincodes.push({ name, collectionNames: [collection], noPrivateReads: !read });
  }
  return { chaincodes };
}

function concernsOf(
  { namespaces, written, privateReads }: TouchedState,
  isSystem: (name: string) => boolean,
): ReadonlyMap<string, Concern> {
  const concerns = new Map<string, Concern>();
  for (const namespace of namespaces)
    if (!isSystem(namespace)) concerns.set(namespace, { namespacePolicy: undefined, keyPolicies: [], collections: new Map() });
  const writtenIn = new Set(written.map(({ namespace }) => namespace));
  for (const [namespace, concern] of concerns) if (!writtenIn.has(namespace)) concern.namespacePolicy = true;
  for (const { namespace, collection, metadata } of written) {
    const concern = concerns.get(namespace);
    const policy = metadata.get(VALIDATION_PARAMETER);
    if (policy !== undefined) concern?.keyPolicies.push(common.SignaturePolicyEnvelope.decode(policy));
    else if (collection !== undefined) concern?.collections.set(collection, false);
    else if (concern !== undefined) concern.namespacePolicy = true;
  }
  for (const { namespace, collection } of privateReads) concerns.get(namespace)?.collections.set(collection, true);
  return concerns;
}
