/**
 * Who may use what, unless the channel says otherwise.
 * @see newDefaultACLProvider in hyperledger/fabric v2.5, core/aclmgmt/defaultaclprovider.go
 */

/** What a resource asks for: a policy of the channel, or a role in the MSP of this peer, which no channel can change. */
export type ResourceRule = { readonly kind: 'channel'; readonly policy: string } | { readonly kind: 'local'; readonly role: LocalRole };

export type LocalRole = 'Admins' | 'Members';

const READERS: ResourceRule = { kind: 'channel', policy: '/Channel/Application/Readers' };
const WRITERS: ResourceRule = { kind: 'channel', policy: '/Channel/Application/Writers' };
const LOCAL_ADMINS: ResourceRule = { kind: 'local', role: 'Admins' };
const LOCAL_MEMBERS: ResourceRule = { kind: 'local', role: 'Members' };

const within = (area: string, rule: ResourceRule, names: readonly string[]): (readonly [string, ResourceRule])[] =>
  names.map((name) => [`${area}/${name}`, rule] as const);

export const DEFAULT_RULES: ReadonlyMap<string, ResourceRule> = new Map([
  ...within('_lifecycle', LOCAL_ADMINS, [
    'InstallChaincode',
    'QueryInstalledChaincode',
    'GetInstalledChaincodePackage',
    'QueryInstalledChaincodes',
    'ApproveChaincodeDefinitionForMyOrg',
    'QueryApprovedChaincodeDefinition',
    'QueryApprovedChaincodeDefinitions',
  ]),
  ...within('_lifecycle', WRITERS, [
    'CommitChaincodeDefinition',
    'QueryChaincodeDefinition',
    'QueryChaincodeDefinitions',
    'CheckCommitReadiness',
  ]),
  ...within('snapshot', LOCAL_ADMINS, ['submitrequest', 'cancelrequest', 'listpending']),
  ...within('lscc', LOCAL_ADMINS, ['Install', 'GetInstalledChaincodes']),
  ...within('lscc', READERS, [
    'ChaincodeExists',
    'GetDeploymentSpec',
    'GetChaincodeData',
    'GetInstantiatedChaincodes',
    'GetCollectionsConfig',
  ]),
  ...within('qscc', READERS, ['GetChainInfo', 'GetBlockByNumber', 'GetBlockByHash', 'GetTransactionByID', 'GetBlockByTxID']),
  ...within('cscc', LOCAL_ADMINS, ['JoinChain', 'JoinChainBySnapshot', 'JoinBySnapshotStatus']),
  ...within('cscc', LOCAL_MEMBERS, ['GetChannels']),
  ...within('cscc', READERS, ['GetConfigBlock', 'GetChannelConfig', 'GetConfigTree']),
  ...within('cscc', WRITERS, ['SimulateConfigTreeUpdate']),
  ...within('peer', WRITERS, ['Propose', 'ChaincodeToChaincode']),
  ...within('event', READERS, ['Block', 'FilteredBlock']),
  ...within('gateway', READERS, ['CommitStatus', 'ChaincodeEvents']),
]);
