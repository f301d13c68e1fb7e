import type { Channel } from '../channel/channel.ts';
import { hex } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { applicationPolicy, type EndorsementPolicy, enumerable, membersPolicy } from '../lifecycle/endorsement-policy.ts';
import { type EndorsementTerms, endorsementTerms } from '../lifecycle/endorsement-terms.ts';
import { ownerOf } from '../lifecycle/implicit-collections.ts';
import type { LifecycleCache } from '../lifecycle/lifecycle-cache.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { EnumerablePolicy } from '../msp/policies/identity-policy.ts';
import { common, protos } from '../protos/messages.ts';
import { noPlan } from './no-plan.ts';

/** One call of an interest with the terms of its chaincode. */
export interface CallTerms {
  readonly call: protos.ChaincodeCall;
  readonly terms: EndorsementTerms;
  readonly bundle: ChannelBundle;
}

/**
 * @throws {SelvageError} `NO_ENDORSEMENT_PLAN` for a chaincode that the channel has no definition of
 * @see loadMetadataAndFilters in hyperledger/fabric v2.5, discovery/endorsement/endorsement.go
 */
export async function termsOf(channel: Channel, call: protos.ChaincodeCall, cache: Pick<LifecycleCache, 'find'>): Promise<CallTerms> {
  const bundle = channel.bundle();
  const terms = await endorsementTerms(channel, call.name, cache);
  if (terms === undefined) throw noDefinition(call.name, bundle);
  return { call, terms, bundle };
}

/**
 * For each collection that a call reads, the principals that its members are one of. What only writes a collection may be endorsed by
 * peers that are no members.
 * @throws {SelvageError} `NO_ENDORSEMENT_PLAN` for a collection that is not defined
 * @see principalsFromCollectionConfig in hyperledger/fabric v2.5, discovery/endorsement/collection.go
 */
export function membersAsked({ call, terms }: CallTerms): readonly (readonly common.MSPPrincipal[])[] {
  if (call.noPrivateReads) return [];
  return call.collectionNames.map((collection) => {
    const owner = implicitOwner(collection, terms);
    if (owner !== undefined) return decoded(membersPolicy(1, [owner])).identities;
    const config = configOf(collection, terms);
    if (config === undefined) throw noPlan(`collection ${collection} doesn't exist in collection config for chaincode ${call.name}`);
    const policy = config.memberOrgsPolicy?.signaturePolicy;
    if (policy === undefined) throw noPlan(`MemberOrgsPolicy of ${collection} is nil`);
    return common.SignaturePolicyEnvelope.decode(common.SignaturePolicyEnvelope.encode(policy)).identities;
  });
}

/**
 * The policies that a call has to satisfy, those with the same text once: those of its collections, where they have their own, else the
 * chaincode's. Told to disregard the chaincode's policy, because every key that it writes has its own, it leaves that out.
 *
 * Fabric then leaves out the first of them, whichever that is: of a call that names two collections with policies of their own it
 * forgets the first collection's, and the transaction is invalid. A call with one collection means the policy of that one.
 * @throws {SelvageError} `NO_ENDORSEMENT_PLAN`
 * @see PoliciesByChaincode in hyperledger/fabric v2.5, discovery/support/chaincode/support.go; computePrincipalSets in
 *   discovery/endorsement/endorsement.go
 */
export function policiesAsked(asked: CallTerms): readonly EnumerablePolicy[] {
  const { call } = asked;
  const all = namespacePolicies(asked);
  if (!call.disregardNamespacePolicy) return all.map(({ policy }) => policy);
  if (all.length > 1) return all.filter(({ ofChaincode }) => !ofChaincode).map(({ policy }) => policy);
  if (call.keyPolicies.length > 0) return [];
  throw noPlan(
    `requested to disregard chaincode ${call.name}'s policy but key and collection policies are missing, either disable DisregardNamespacePolicy or specify at least one key policy or at least one collection policy`,
  );
}

interface NamespacePolicy {
  readonly policy: EnumerablePolicy;
  readonly ofChaincode: boolean;
}

function namespacePolicies({ call, terms, bundle }: CallTerms): readonly NamespacePolicy[] {
  const ofChaincode = { policy: enumerated(terms.policy, call.name, bundle), ofChaincode: true };
  if (terms.lifecycle === 'legacy' || call.collectionNames.length === 0) return [ofChaincode];
  const distinct = new Map<string, NamespacePolicy>();
  for (const collection of call.collectionNames) {
    const own = collectionPolicy(collection, terms);
    const policy = own === undefined ? ofChaincode : { policy: enumerated(own, call.name, bundle), ofChaincode: false };
    const text = hex(common.SignaturePolicyEnvelope.encode(policy.policy));
    if (!distinct.has(text)) distinct.set(text, policy);
  }
  return [...distinct.values()];
}

function collectionPolicy(collection: string, terms: EndorsementTerms): EndorsementPolicy | undefined {
  const owner = implicitOwner(collection, terms);
  if (owner !== undefined) return membersPolicy(1, [owner]);
  const policy = configOf(collection, terms)?.endorsementPolicy;
  return policy && applicationPolicy(protos.ApplicationPolicy.encode(policy));
}

const configOf = (collection: string, { collections }: EndorsementTerms): protos.StaticCollectionConfigInit | undefined =>
  collections.find(({ name }) => name === collection);

/** Chaincode of the legacy lifecycle has no collections that nobody defined. */
const implicitOwner = (collection: string, { lifecycle }: EndorsementTerms): string | undefined =>
  lifecycle === '2.x' ? ownerOf(collection) : undefined;

function enumerated(policy: EndorsementPolicy, chaincode: string, bundle: ChannelBundle): EnumerablePolicy {
  const written = readable(policy, chaincode, bundle);
  if (written === undefined) throw noDefinition(chaincode, bundle);
  if (written.identities.length === 0 || written.rule === undefined) throw noPlan('policy not found');
  return written;
}

function readable(policy: EndorsementPolicy, chaincode: string, bundle: ChannelBundle): EnumerablePolicy | undefined {
  try {
    return enumerable(policy, bundle);
  } catch (cause) {
    if (!(cause instanceof SelvageError && cause.code === 'MALFORMED')) throw cause;
    throw noDefinition(chaincode, bundle, cause);
  }
}

const decoded = (policy: EndorsementPolicy): common.SignaturePolicyEnvelope =>
  common.SignaturePolicyEnvelope.decode(policy.kind === 'signature' ? policy.envelope : new Uint8Array());

const noDefinition = (chaincode: string, { channelId }: ChannelBundle, cause?: unknown): SelvageError =>
  noPlan(`No metadata was found for chaincode ${chaincode} in channel ${channelId}`, cause);
