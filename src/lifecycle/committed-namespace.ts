import { SelvageError } from '../common/errors.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import { protos } from '../protos/messages.ts';
import { applicationPolicy, type EndorsementPolicy, membersPolicy, policyReference } from './endorsement-policy.ts';
import { ownerOf } from './implicit-collections.ts';
import { chaincodeData, definitionOf } from './legacy-namespace.ts';
import { type LifecycleDefinition, readDefinition } from './lifecycle-definition.ts';
import { type Found, found, missing, type NamespaceDefinition } from './namespace-definition.ts';
import { LIFECYCLE } from './records.ts';
import { type CommittedReads, committedRecords } from './snapshot-records.ts';

/**
 * The definition of a namespace by the 2.0 rules: `_lifecycle` itself, a committed definition, else a legacy entry of `lscc`.
 * @see ValidationInfo in hyperledger/fabric v2.5, core/chaincode/lifecycle/deployedcc_infoprovider.go
 * @throws {SelvageError} `LEDGER_CORRUPT` for lifecycle state that cannot be read: Fabric stops the channel there as well
 */
export async function committedNamespace(state: CommittedReads, name: string, bundle: ChannelBundle): Promise<Found<NamespaceDefinition>> {
  if (name === LIFECYCLE) return found(lifecycleNamespace(bundle));
  const definition = await readDefinition(name, committedRecords(state));
  if (definition === undefined) return deployedNamespace(state, name);
  const { version, validationPlugin, validationParameter } = definition;
  if (validationPlugin === '') return incomplete(name, 'plugin');
  if (validationParameter.length === 0) return incomplete(name, 'policy');
  const policy = applicationPolicy(validationParameter);
  return found({
    namespace: name,
    version,
    plugin: validationPlugin,
    policy,
    collectionPolicy: (collection) => collectionPolicy(collection, { definition, policy, bundle }),
  });
}

const lifecycleNamespace = (bundle: ChannelBundle): NamespaceDefinition => ({
  namespace: LIFECYCLE,
  version: undefined,
  plugin: 'vscc',
  policy: lifecycleEndorsement(bundle),
  collectionPolicy: (collection) => {
    const mspId = ownerOf(collection);
    return mspId === undefined ? noSuchCollection(collection) : implicitPolicy(mspId, bundle);
  },
});

/** Who may commit a definition: the configured policy, or without one members of more than half of the organisations. */
export function lifecycleEndorsement(bundle: ChannelBundle): EndorsementPolicy {
  const path = '/Channel/Application/LifecycleEndorsement';
  if (bundle.policies.has(path)) return policyReference(path);
  const mspIds = (bundle.application?.orgs ?? []).map(({ mspId }) => mspId);
  return membersPolicy(Math.floor(mspIds.length / 2) + 1, mspIds);
}

async function deployedNamespace(state: CommittedReads, name: string): Promise<Found<NamespaceDefinition>> {
  const data = await readableEntry(state, name);
  if (data === undefined) return missing(`chaincode ${name} not found`, { chaincode: name });
  if (data.vscc === '') return incomplete(name, 'plugin');
  if (data.policy.length === 0) return incomplete(name, 'policy');
  return found(definitionOf(name, data));
}

async function readableEntry(state: CommittedReads, name: string): ReturnType<typeof chaincodeData> {
  try {
    return await chaincodeData(state, name);
  } catch (cause) {
    if (!(cause instanceof SelvageError && cause.code === 'MALFORMED')) throw cause;
    const text = `could not get chaincode ${name}: bad definition`;
    throw new SelvageError('LEDGER_CORRUPT', text, { cause, details: { chaincode: name } });
  }
}

interface CollectionContext {
  readonly definition: LifecycleDefinition;
  readonly policy: EndorsementPolicy;
  readonly bundle: ChannelBundle;
}

function collectionPolicy(name: string, { definition, policy, bundle }: CollectionContext): Found<EndorsementPolicy> {
  const mspId = ownerOf(name);
  if (mspId !== undefined) return implicitPolicy(mspId, bundle);
  const { config = [] } = definition.collections;
  const defined = config.find((each) => each.staticCollectionConfig?.name === name)?.staticCollectionConfig;
  if (defined === undefined) return noSuchCollection(name);
  const { endorsementPolicy } = defined;
  return found(endorsementPolicy === undefined ? policy : applicationPolicy(protos.ApplicationPolicy.encode(endorsementPolicy)));
}

/** An organisation's own collection answers to that organisation's Endorsement policy, or to any member of it. */
function implicitPolicy(mspId: string, bundle: ChannelBundle): Found<EndorsementPolicy> {
  const org = bundle.application?.orgs.find((each) => each.mspId === mspId);
  if (org === undefined) return missing(`no org found in channel with MSPID '${mspId}'`, { mspId });
  const path = `/Channel/Application/${org.name}/Endorsement`;
  return found(bundle.policies.has(path) ? policyReference(path) : membersPolicy(1, [mspId]));
}

const noSuchCollection = (collection: string): Found<never> => missing(`no such collection '${collection}'`, { collection });

const incomplete = (name: string, field: string): Found<never> =>
  missing(`chaincode definition for [${name}] is invalid, ${field} field must be set`, { chaincode: name });
