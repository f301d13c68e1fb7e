/**
 * Every key of a peer's core.yaml that means something: Fabric's own (1.1 to 2.5), whether Selvage acts on it yet or not,
 * and ours under `selvage`. A path that ends in `.*` is open: whatever stands below it is accepted.
 */
export const KNOWN_KEYS: readonly string[] = [
  ...under('peer', [
    'id', 'networkId', 'listenAddress', 'chaincodeListenAddress', 'chaincodeAddress', 'address', 'addressAutoDetect', 'gomaxprocs', 'mspConfigPath',
    'localMspId', 'localMspType', 'fileSystemPath', 'validatorPoolSize', 'maxRecvMsgSize', 'maxSendMsgSize', 'gossip.*', 'events.*', 'BCCSP.*', 'profile.*',
    'adminService.*', 'discovery.*', 'gateway.*', 'keepalive.*', 'authentication.timewindow', 'authentication.*', 'client.*', 'deliveryclient.*',
    'handlers.*', 'limits.concurrency.endorserService', 'limits.concurrency.deliverService', 'limits.concurrency.gatewayService', 'limits.*',
    'tls.enabled', 'tls.clientAuthRequired', 'tls.cert.file', 'tls.key.file', 'tls.rootcert.file', 'tls.clientRootCAs.files', 'tls.clientKey.file',
    'tls.clientCert.file', 'tls.serverhostoverride',
  ]),
  ...under('chaincode', [
    'id.*', 'builder', 'pull', 'golang.*', 'car.*', 'java.*', 'node.*', 'externalBuilders', 'installTimeout', 'startuptimeout', 'executetimeout', 'mode',
    'keepalive', 'system.*', 'systemPlugins', 'logging.level', 'logging.shim', 'logging.format', 'runtimeParams.*',
  ]),
  ...under('ledger', [
    'blockchain.*', 'state.stateDatabase', 'state.totalQueryLimit', 'state.couchDBConfig.*', 'state.*', 'history.enableHistoryDatabase', 'pvtdataStore.*', 'snapshots.*',
  ]),
  ...under('operations', ['listenAddress', 'tls.*']),
  ...under('metrics', ['provider', 'statsd.*']),
  ...under('logging', ['level', 'spec', 'format', 'cauthdsl', 'gossip', 'grpc', 'ledger', 'msp', 'policies', 'peer', '*']),
  ...under('vm', ['endpoint', 'docker.*']),
  ...under('selvage', ['runtime', 'chaincodeCache', 'stopGrace', 'endorsement.systemVersion', 'endorsement.chaincodePath', 'endorsement.initStatus', 'history.order']),
  ...under('orderer', ['address', 'tls.*']),
];

function under(section: string, keys: readonly string[]): string[] {
  return keys.map((key) => `${section}.${key}`);
}
