import { SelvageError } from '../../common/errors.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import { lifecycle, protos } from '../../protos/messages.ts';
import { type Checked, failed, passed } from '../validation/outcome.ts';
import type { NamespaceDefinition } from './definition.ts';
import { applicationPolicy, type EndorsementPolicy, membersPolicy, policyReference } from './endorsement-policy.ts';
import { chaincodeData, definitionOf } from './lscc-definitions.ts';
import type { ValidationState } from './validation-state.ts';

const { ENDORSEMENT_POLICY_FAILURE, INVALID_CHAINCODE } = protos.TxValidationCode;
const LIFECYCLE = '_lifecycle';
const IMPLICIT = '_implicit_org_';

/**
 * The definition of a namespace by the 2.0 rules: `_lifecycle` itself, a committed definition, else a legacy entry of `lscc`.
 * @see ValidationInfo in hyperledger/fabric v2.5, core/chaincode/lifecycle/deployedcc_infoprovider.go
 * @throws {SelvageError} `LEDGER_CORRUPT` for lifecycle state that cannot be read: Fabric stops the channel there as well
 */
export async function lifecycleDefinition(
  state: ValidationState,
  name: string,
  bundle: ChannelBundle,
): Promise<Checked<NamespaceDefinition>> {
  if (name === LIFECYCLE) return passed(lifecycleNamespace(bundle));
  const metadata = await read(state, `namespaces/metadata/${name}`, lifecycle.StateMetadata.decode);
  if (metadata === undefined) return legacyDefinition(state, name);
  if (metadata.datatype !== 'ChaincodeDefinition') throw corrupt(name, `not a chaincode type: ${metadata.datatype}`);
  const bytesOf = async (field: string): Promise<Uint8Array> => {
    const data = await read(state, `namespaces/fields/${name}/${field}`, lifecycle.StateData.decode);
    if (data?.bytes === undefined) throw corrupt(name, `no bytes in field ${field}`);
    return data.bytes;
  };
  const endorsement = readable(name, lifecycle.ChaincodeEndorsementInfo.decode, await bytesOf('EndorsementInfo'));
  const validation = readable(name, lifecycle.ChaincodeValidationInfo.decode, await bytesOf('ValidationInfo'));
  const collections = readable(name, protos.CollectionConfigPackage.decode, await bytesOf('Collections'));
  if (validation.validationPlugin === '') return invalid(name, 'plugin');
  if (validation.validationParameter.length === 0) return invalid(name, 'policy');
  const policy = applicationPolicy(validation.validationParameter);
  return passed({
    namespace: name,
    version: endorsement.version,
    plugin: validation.validationPlugin,
    policy,
    collectionPolicy: (collection) => collectionPolicy(collection, { collections, policy, bundle }),
  });
}

const lifecycleNamespace = (bundle: ChannelBundle): NamespaceDefinition => ({
  namespace: LIFECYCLE,
  version: undefined,
  plugin: 'vscc',
  policy: lifecycleEndorsement(bundle),
  collectionPolicy: (collection) => (collection.startsWith(IMPLICIT) ? implicitPolicy(collection, bundle) : noSuchCollection(collection)),
});

/** Who may commit a definition: the configured policy, or without one members of more than half of the organisations. */
function lifecycleEndorsement(bundle: ChannelBundle): EndorsementPolicy {
  const path = '/Channel/Application/LifecycleEndorsement';
  if (bundle.policies.has(path)) return policyReference(path);
  const mspIds = (bundle.application?.orgs ?? []).map(({ mspId }) => mspId);
  return membersPolicy(Math.floor(mspIds.length / 2) + 1, mspIds);
}

async function legacyDefinition(state: ValidationState, name: string): Promise<Checked<NamespaceDefinition>> {
  const data = await readableEntry(state, name);
  if (data === undefined) return failed(INVALID_CHAINCODE, `chaincode ${name} not found`, { chaincode: name });
  if (data.vscc === '') return invalid(name, 'plugin');
  if (data.policy.length === 0) return invalid(name, 'policy');
  return passed(definitionOf(name, data));
}

interface CollectionContext {
  readonly collections: protos.CollectionConfigPackage;
  readonly policy: EndorsementPolicy;
  readonly bundle: ChannelBundle;
}

function collectionPolicy(name: string, { collections, policy, bundle }: CollectionContext): Checked<EndorsementPolicy | undefined> {
  if (name.startsWith(IMPLICIT)) return implicitPolicy(name, bundle);
  const config = collections.config.find((each) => each.staticCollectionConfig?.name === name)?.staticCollectionConfig;
  if (config === undefined) return noSuchCollection(name);
  return passed(
    config.endorsementPolicy === undefined ? policy : applicationPolicy(protos.ApplicationPolicy.encode(config.endorsementPolicy)),
  );
}

/** An organisation's own collection answers to that organisation's Endorsement policy, or to any member of it. */
function implicitPolicy(collection: string, bundle: ChannelBundle): Checked<EndorsementPolicy> {
  const mspId = collection.slice(IMPLICIT.length);
  const org = bundle.application?.orgs.find((each) => each.mspId === mspId);
  if (org === undefined) return failed(ENDORSEMENT_POLICY_FAILURE, `no org found in channel with MSPID '${mspId}'`, { collection });
  const path = `/Channel/Application/${org.name}/Endorsement`;
  return passed(bundle.policies.has(path) ? policyReference(path) : membersPolicy(1, [mspId]));
}

const noSuchCollection = (collection: string): Checked<never> =>
  failed(ENDORSEMENT_POLICY_FAILURE, `no such collection '${collection}'`, { collection });

const invalid = (name: string, field: string): Checked<never> =>
  failed(INVALID_CHAINCODE, `chaincode definition for [${name}] is invalid, ${field} field must be set`, { chaincode: name });

async function read<T>(state: ValidationState, key: string, decode: (bytes: Uint8Array) => T): Promise<T | undefined> {
  const found = await state.get(LIFECYCLE, key);
  return found === undefined ? undefined : readable(key, decode, found.value);
}

async function readableEntry(state: ValidationState, name: string): ReturnType<typeof chaincodeData> {
  try {
    return await chaincodeData(state, name);
  } catch (cause) {
    if (cause instanceof SelvageError && cause.code === 'MALFORMED') throw corrupt(name, 'bad definition', cause);
    throw cause;
  }
}

function readable<T>(what: string, decode: (bytes: Uint8Array) => T, bytes: Uint8Array): T {
  try {
    return decode(bytes);
  } catch (cause) {
    throw corrupt(what, 'does not parse', cause);
  }
}

const corrupt = (what: string, why: string, cause?: unknown): SelvageError =>
  new SelvageError('LEDGER_CORRUPT', `could not get chaincode ${what}: ${why}`, { cause, details: { chaincode: what } });
