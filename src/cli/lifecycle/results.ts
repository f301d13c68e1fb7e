/** Answers of `_lifecycle` as JSON, with the names and the nesting that Go gives them. */
import type { common, lifecycle, protos } from '../../protos/messages.ts';
import { type GoObject, goMap, withoutEmpty } from './go-json.ts';

export const installedJson = ({ installedChaincodes }: lifecycle.QueryInstalledChaincodesResult): GoObject =>
  withoutEmpty({
    installed_chaincodes: installedChaincodes.map(({ packageId, label, references }) =>
      withoutEmpty({
        package_id: packageId,
        label,
        references: goMap(references, ({ chaincodes }) =>
          withoutEmpty({ chaincodes: chaincodes.map(({ name, version }) => withoutEmpty({ name, version })) }),
        ),
      }),
    ),
  });

export const readinessJson = ({ approvals, mismatches }: lifecycle.CheckCommitReadinessResult): GoObject => ({
  approvals: goMap(approvals, (approved) => approved),
  mismatches: goMap(mismatches, ({ items }) => withoutEmpty({ items })),
});

/** What all definitions have, as the channel or one organisation has it. */
interface Definition {
  readonly sequence: bigint;
  readonly version: string;
  readonly endorsementPlugin: string;
  readonly validationPlugin: string;
  readonly validationParameter: Uint8Array;
  readonly collections: protos.CollectionConfigPackage | undefined;
  readonly initRequired: boolean;
}

const definitionFields = (definition: Definition): GoObject => ({
  sequence: definition.sequence,
  version: definition.version,
  endorsement_plugin: definition.endorsementPlugin,
  validation_plugin: definition.validationPlugin,
  validation_parameter: definition.validationParameter,
  collections: definition.collections && collectionsJson(definition.collections),
  init_required: definition.initRequired,
});

export const approvedJson = (approved: lifecycle.QueryApprovedChaincodeDefinitionResult): GoObject =>
  withoutEmpty({ ...definitionFields(approved), source: approved.source && sourceJson(approved.source) });

export const committedJson = (committed: lifecycle.QueryChaincodeDefinitionResult): GoObject =>
  withoutEmpty({ ...definitionFields(committed), approvals: goMap(committed.approvals, (approved) => approved) });

export const allCommittedJson = ({ chaincodeDefinitions }: lifecycle.QueryChaincodeDefinitionsResult): GoObject =>
  withoutEmpty({ chaincode_definitions: chaincodeDefinitions.map((each) => withoutEmpty({ name: each.name, ...definitionFields(each) })) });

function sourceJson({ localPackage, unavailable }: lifecycle.ChaincodeSource): GoObject {
  if (localPackage !== undefined) return { Type: { LocalPackage: withoutEmpty({ package_id: localPackage.packageId }) } };
  return { Type: unavailable === undefined ? null : { Unavailable: {} } };
}

const collectionsJson = ({ config }: protos.CollectionConfigPackage): GoObject =>
  withoutEmpty({
    config: config.map(({ staticCollectionConfig: each }) => ({
      Payload: each === undefined ? null : { StaticCollectionConfig: collectionJson(each) },
    })),
  });

const collectionJson = (collection: protos.StaticCollectionConfig): GoObject =>
  withoutEmpty({
    name: collection.name,
    member_orgs_policy: collection.memberOrgsPolicy && {
      Payload: signaturePolicyOf(collection.memberOrgsPolicy.signaturePolicy),
    },
    required_peer_count: collection.requiredPeerCount,
    maximum_peer_count: collection.maximumPeerCount,
    block_to_live: collection.blockToLive,
    member_only_read: collection.memberOnlyRead,
    member_only_write: collection.memberOnlyWrite,
    endorsement_policy: collection.endorsementPolicy && applicationPolicyJson(collection.endorsementPolicy),
  });

function applicationPolicyJson({ signaturePolicy, channelConfigPolicyReference: reference }: protos.ApplicationPolicy): GoObject {
  return { Type: reference === undefined ? signaturePolicyOf(signaturePolicy) : { ChannelConfigPolicyReference: reference } };
}

const signaturePolicyOf = (policy: common.SignaturePolicyEnvelope | undefined): GoObject | null =>
  policy === undefined ? null : { SignaturePolicy: policyJson(policy) };

const policyJson = ({ version, rule, identities }: common.SignaturePolicyEnvelope): GoObject =>
  withoutEmpty({
    version,
    rule: rule && ruleJson(rule),
    identities: identities.map(({ principalClassification, principal }) =>
      withoutEmpty({ principal_classification: principalClassification, principal }),
    ),
  });

function ruleJson({ signedBy, nOutOf }: common.SignaturePolicy): GoObject {
  if (nOutOf !== undefined) return { Type: { NOutOf: withoutEmpty({ n: nOutOf.n, rules: nOutOf.rules.map(ruleJson) }) } };
  return { Type: signedBy === undefined ? null : { SignedBy: signedBy } };
}
