import { HOST_CONFIG_KEYS } from '../../runtimes/docker/host-config.ts';

/**
 * The keys of a peer's core.yaml that mean something. A path that ends in `.*` is open: whatever stands below it is accepted.
 * {@link ACTED_ON} do something here; the others are Fabric's own (1.1 to 3.1), so that a file written for a Go peer starts this
 * one, and are named once in the log when they are set.
 */
export const ACTED_ON: readonly string[] = [
  ...under('peer', [
    'id',
    'networkId',
    'address',
    'addressAutoDetect',
    'listenAddress',
    'chaincodeAddress',
    'chaincodeListenAddress',
    'mspConfigPath',
    'localMspId',
    'fileSystemPath',
    'authentication.timewindow',
    'handlers.authFilters',
    'handlers.decorators',
    'handlers.endorsers.*',
    'limits.concurrency.endorserService',
    'limits.concurrency.deliverService',
    'gossip.bootstrap',
    'gossip.endpoint',
    'gossip.externalEndpoint',
    'gossip.aliveTimeInterval',
    'gossip.aliveExpirationTimeout',
    'gossip.reconnectInterval',
    'gossip.msgExpirationFactor',
    'gossip.maxConnectionAttempts',
    'gossip.publishCertPeriod',
    'gossip.pullInterval',
    'gossip.pullPeerNum',
    'gossip.digestWaitTime',
    'gossip.requestWaitTime',
    'gossip.responseWaitTime',
    'gossip.publishStateInfoInterval',
    'gossip.requestStateInfoInterval',
    'gossip.membershipTrackerInterval',
    'gossip.propagatePeerNum',
    'gossip.propagateIterations',
    'gossip.maxPropagationBurstLatency',
    'gossip.maxPropagationBurstSize',
    'gossip.dialTimeout',
    'gossip.connTimeout',
    'gossip.recvBuffSize',
    'gossip.sendBuffSize',
    'gossip.pvtData.transientstoreMaxBlockRetention',
    'tls.enabled',
    'tls.clientAuthRequired',
    'tls.cert.file',
    'tls.key.file',
    'tls.rootcert.file',
    'tls.clientRootCAs.files',
    'tls.clientKey.file',
    'tls.clientCert.file',
    'tls.serverhostoverride', // the command line's own
    'client.connTimeout',
    'deliveryclient.addressOverrides',
    'deliveryclient.reconnectTotalTimeThreshold',
  ]),
  ...under('chaincode', [
    'mode',
    'startuptimeout',
    'installTimeout',
    'executetimeout',
    'externalBuilders',
    'pull',
    'builder',
    'golang.runtime',
    'golang.dynamicLink',
    'node.runtime',
    'java.runtime',
    'java.Dockerfile',
    'system.*',
    'logging.level',
    'logging.shim',
    'logging.format',
    'runtimeParams.useWriteBatch',
    'runtimeParams.maxSizeWriteBatch',
    'runtimeParams.useGetMultipleKeys',
    'runtimeParams.maxSizeGetMultipleKeys',
  ]),
  ...under('ledger', ['state.stateDatabase', 'state.totalQueryLimit']),
  ...under('operations', [
    'listenAddress',
    'tls.enabled',
    'tls.cert.file',
    'tls.key.file',
    'tls.clientAuthRequired',
    'tls.clientRootCAs.files',
  ]),
  ...under('logging', ['level', 'spec']),
  ...under('vm', [
    'endpoint',
    'docker.tls.enabled',
    'docker.tls.ca.file',
    'docker.tls.cert.file',
    'docker.tls.key.file',
    'docker.attachStdout',
  ]),
  ...under('vm.docker.hostConfig', HOST_CONFIG_KEYS),
  ...under('selvage', [
    'runtime',
    'chaincodeCache',
    'process.sandbox',
    'process.memory',
    'process.openFiles',
    'process.sandboxBuilds',
    'process.cacheSize',
    'process.cacheUnused',
    'process.cpus',
    'process.processes',
    'process.shareBuildCaches',
    'replicas',
    'chaincodes.*',
    'stopGrace',
    'retireAfter',
    'inspectChaincode',
    'logChaincodeOutput',
    'ledgerRelease',
    'endorsement.answers',
    'endorsement.systemVersion',
    'endorsement.initStatus',
  ]),
];

/** Fabric's keys that Selvage takes and does nothing with. */
export const NOT_ACTED_ON: readonly string[] = [
  ...under('peer', [
    'gomaxprocs',
    'localMspType',
    'validatorPoolSize',
    'maxRecvMsgSize',
    'maxSendMsgSize',
    'adminService.*',
    'BCCSP.*',
    'authentication.*',
    'client.*',
    'deliveryclient.*',
    'discovery.*',
    'events.*',
    'gateway.*',
    'gossip.*',
    'handlers.validators.*',
    'keepalive.*',
    'limits.*',
    'profile.*',
  ]),
  ...under('chaincode', ['id.*', 'car.*', 'keepalive', 'systemPlugins']),
  ...under('ledger', ['blockchain.*', 'state.*', 'history.*', 'pvtdataStore.*', 'snapshots.*']),
  'metrics.*',
  'logging.*',
  'orderer.*',
];

export const KNOWN_KEYS: readonly string[] = [...ACTED_ON, ...NOT_ACTED_ON];

function under(section: string, keys: readonly string[]): string[] {
  return keys.map((key) => `${section}.${key}`);
}

/** The entry that covers a path, whatever its case: the path itself, or the longest open one above it. */
export function covering(path: string, entries: readonly string[]): string | undefined {
  const wanted = path.toLowerCase();
  const covers = (entry: string): boolean =>
    entry.endsWith('.*') ? `${wanted}.`.startsWith(entry.slice(0, -1).toLowerCase()) : entry.toLowerCase() === wanted;
  return entries.filter(covers).sort((a, b) => b.length - a.length)[0];
}
