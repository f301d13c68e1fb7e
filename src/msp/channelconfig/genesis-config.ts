import { common, etcdraft, msp, orderer, protos } from '../../protos/messages.ts';
import type { ApplicationOrgDefinition, ChannelSpec, OrdererOrgDefinition, OrganizationDefinition } from './channel-spec.ts';
import { DEV_BATCH, LEGACY_LIFECYCLE } from './channel-spec.ts';
import { anyOfRoles, implicitMeta } from './policy-forms.ts';

/** Every element of a new channel is changed by the admins of the group around it. */
const ADMINS = 'Admins';
/** Orderers move on their own authority. */
const ORDERER_ADMINS = '/Channel/Orderer/Admins';

type Values = readonly (readonly [name: string, value: Uint8Array, modPolicy?: string])[];
type Policies = Readonly<Record<string, common.PolicyInit>>;

/**
 * The first configuration of a channel, as configtxgen makes it from configtx.yaml's default policies.
 * @see NewChannelGroup in hyperledger/fabric v2.5, internal/configtxgen/encoder/encoder.go
 */
export function genesisConfig(spec: ChannelSpec): common.ConfigInit {
  const { capabilities = LEGACY_LIFECYCLE } = spec;
  const addresses = spec.ordererOrgs.flatMap(({ endpoints }) => endpoints);
  const values: Values = [
    ['HashingAlgorithm', common.HashingAlgorithm.encode({ name: 'SHA256' })],
    ['BlockDataHashingStructure', common.BlockDataHashingStructure.encode({ width: 0xffffffff })],
    ...(capabilities.channel === 'V3_0'
      ? []
      : [['OrdererAddresses', common.OrdererAddresses.encode({ addresses }), ORDERER_ADMINS] as const]),
    ...capabilityValue(capabilities.channel),
  ];
  return { channelGroup: group(values, metaPolicies(), { Orderer: ordererGroup(spec), Application: applicationGroup(spec) }) };
}

function ordererGroup(spec: ChannelSpec): common.ConfigGroupInit {
  const { capabilities = LEGACY_LIFECYCLE, batch = DEV_BATCH } = spec;
  const values: Values = [
    ['ConsensusType', orderer.ConsensusType.encode(consensusOf(spec))],
    ['BatchSize', orderer.BatchSize.encode(batch)],
    ['BatchTimeout', orderer.BatchTimeout.encode({ timeout: batch.timeout })],
    ['ChannelRestrictions', orderer.ChannelRestrictions.encode({})],
    ...capabilityValue(capabilities.orderer),
  ];
  const policies = { ...metaPolicies(), BlockValidation: implicitMeta('ANY', 'Writers') };
  const perOrgEndpoints = !['', 'V1_1', 'V1_3'].includes(capabilities.channel);
  return group(
    values,
    policies,
    members(spec.ordererOrgs, (org) => ordererOrgGroup(org, perOrgEndpoints)),
  );
}

/** Options are those of Fabric's sample configuration. */
const RAFT_OPTIONS = {
  tickInterval: '500ms',
  electionTick: 10,
  heartbeatTick: 1,
  maxInflightBlocks: 5,
  snapshotIntervalSize: 16 * 1024 * 1024,
};

function consensusOf({ consensusType, consenters = [] }: ChannelSpec): orderer.ConsensusTypeInit {
  if (consenters.length === 0) return { type: consensusType ?? 'solo' };
  const nodes = consenters.map(({ host, port, tlsCertificate }) => ({
    host,
    port,
    clientTlsCert: tlsCertificate,
    serverTlsCert: tlsCertificate,
  }));
  return { type: consensusType ?? 'etcdraft', metadata: etcdraft.ConfigMetadata.encode({ consenters: nodes, options: RAFT_OPTIONS }) };
}

function ordererOrgGroup(org: OrdererOrgDefinition, perOrgEndpoints: boolean): common.ConfigGroupInit {
  const id = mspIdOf(org);
  const endpoints: Values = [['Endpoints', common.OrdererAddresses.encode({ addresses: org.endpoints })]];
  return group([mspValue(org), ...(perOrgEndpoints ? endpoints : [])], {
    Readers: anyOfRoles(id, ['MEMBER']),
    Writers: anyOfRoles(id, ['MEMBER']),
    Admins: anyOfRoles(id, ['ADMIN']),
  });
}

function applicationGroup(spec: ChannelSpec): common.ConfigGroupInit {
  const { application } = spec.capabilities ?? LEGACY_LIFECYCLE;
  const endorsement = application !== '' && application !== 'V1_1';
  const lifecycle = { Endorsement: implicitMeta('MAJORITY', 'Endorsement'), LifecycleEndorsement: implicitMeta('MAJORITY', 'Endorsement') };
  return group(
    capabilityValue(application),
    { ...metaPolicies(), ...(endorsement ? lifecycle : {}) },
    members(spec.applicationOrgs, (org) => applicationOrgGroup(org, endorsement)),
  );
}

function applicationOrgGroup(org: ApplicationOrgDefinition, endorsement: boolean): common.ConfigGroupInit {
  const id = mspIdOf(org);
  const { anchorPeers = [] } = org;
  const anchors: Values = [['AnchorPeers', protos.AnchorPeers.encode({ anchorPeers })]];
  const nodeOus = org.msp.fabricNodeOus?.enable === true;
  return group([mspValue(org), ...(anchorPeers.length > 0 ? anchors : [])], {
    Readers: anyOfRoles(id, nodeOus ? ['ADMIN', 'PEER', 'CLIENT'] : ['MEMBER']),
    Writers: anyOfRoles(id, nodeOus ? ['ADMIN', 'CLIENT'] : ['MEMBER']),
    Admins: anyOfRoles(id, ['ADMIN']),
    ...(endorsement ? { Endorsement: anyOfRoles(id, [nodeOus ? 'PEER' : 'MEMBER']) } : {}),
  });
}

const metaPolicies = (): Policies => ({
  Readers: implicitMeta('ANY', 'Readers'),
  Writers: implicitMeta('ANY', 'Writers'),
  Admins: implicitMeta('MAJORITY', 'Admins'),
});

const capabilityValue = (level: string): Values =>
  level === '' ? [] : [['Capabilities', common.Capabilities.encode({ capabilities: new Map([[level, {}]]) })]];

const FABRIC_MSP = 0;

const mspValue = (org: OrganizationDefinition) =>
  ['MSP', msp.MSPConfig.encode({ type: FABRIC_MSP, config: msp.FabricMSPConfig.encode(org.msp) })] as const;

const mspIdOf = (org: OrganizationDefinition): string => org.msp.name ?? '';

const members = <T extends OrganizationDefinition>(orgs: readonly T[], groupOf: (org: T) => common.ConfigGroupInit) =>
  Object.fromEntries(orgs.map((org) => [org.name ?? mspIdOf(org), groupOf(org)]));

const group = (
  values: Values,
  policies: Policies,
  groups: Readonly<Record<string, common.ConfigGroupInit>> = {},
): common.ConfigGroupInit => ({
  modPolicy: ADMINS,
  values: new Map(values.map(([name, value, modPolicy = ADMINS]) => [name, { value, modPolicy }])),
  policies: new Map(Object.entries(policies).map(([name, policy]) => [name, { policy, modPolicy: ADMINS }])),
  groups: new Map(Object.entries(groups)),
});
