import { describe, expect, it } from 'vitest';
import { covering, KNOWN_KEYS } from './known-keys.ts';

/** Keys of the sample core.yaml of each release, by section: what it has before the next one adds to it or drops from it. */
const EVERY_RELEASE = {
  peer: `id networkId listenAddress address addressAutoDetect localMspId localMspType mspConfigPath fileSystemPath validatorPoolSize
    authentication.timewindow profile.enabled profile.listenAddress keepalive.minInterval keepalive.client.interval
    keepalive.client.timeout keepalive.deliveryClient.interval keepalive.deliveryClient.timeout handlers.authFilters handlers.decorators
    tls.enabled tls.clientAuthRequired tls.cert.file tls.key.file tls.rootcert.file tls.clientRootCAs.files tls.clientKey.file
    tls.clientCert.file BCCSP.Default BCCSP.SW.Hash BCCSP.SW.Security BCCSP.SW.FileKeyStore.KeyStore
    deliveryclient.reconnectTotalTimeThreshold gossip.bootstrap gossip.useLeaderElection gossip.orgLeader gossip.endpoint
    gossip.externalEndpoint gossip.maxBlockCountToStore gossip.election.startupGracePeriod gossip.election.leaderAliveThreshold
    gossip.pvtData.pullRetryThreshold gossip.pvtData.transientstoreMaxBlockRetention gossip.pvtData.pushAckTimeout
    chaincodeListenAddress chaincodeAddress`,
  chaincode: `id.path id.name builder pull golang.runtime golang.dynamicLink startuptimeout executetimeout mode keepalive system.cscc
    system.lscc system.qscc logging.level logging.shim logging.format java.runtime node.runtime`,
  ledger: `blockchain state.stateDatabase state.couchDBConfig.couchDBAddress state.couchDBConfig.username
    state.couchDBConfig.password state.couchDBConfig.maxRetries state.couchDBConfig.requestTimeout history.enableHistoryDatabase`,
  vm: `endpoint docker.tls.enabled docker.tls.ca.file docker.attachStdout docker.hostConfig.NetworkMode docker.hostConfig.Memory
    docker.hostConfig.LogConfig.Config.max-size`,
};

const RELEASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '1.1': {
    peer: 'gomaxprocs events.address events.buffersize events.timeout events.timewindow events.keepalive.minInterval',
    chaincode: 'car.runtime java.Dockerfile system.escc system.vscc systemPlugins',
    ledger: 'state.couchDBConfig.queryLimit state.couchDBConfig.warmIndexesAfterNBlocks',
    logging: 'level cauthdsl gossip grpc ledger msp policies peer.gossip format',
    metrics: 'enabled reporter interval statsdReporter.address statsdReporter.flushInterval promReporter.listenAddress',
  },
  '1.4': {
    peer: `gomaxprocs adminService client.connTimeout deliveryclient.connTimeout deliveryclient.addressOverrides
      discovery.enabled discovery.authCacheEnabled discovery.orgMembersAllowedAccess gossip.state.enabled
      gossip.membershipTrackerInterval handlers.endorsers.escc.name handlers.endorsers.escc.library handlers.validators.vscc.name
      BCCSP.PKCS11.Library`,
    chaincode: 'car.runtime systemPlugins',
    ledger: 'state.totalQueryLimit state.couchDBConfig.createGlobalChangesDB',
    operations: 'listenAddress tls.enabled tls.cert.file tls.key.file tls.clientAuthRequired tls.clientRootCAs.files',
    metrics: 'provider statsd.network statsd.address statsd.writeInterval statsd.prefix',
  },
  '2.5': {
    peer: `gateway.enabled gateway.endorsementTimeout gateway.dialTimeout keepalive.interval keepalive.timeout maxRecvMsgSize
      maxSendMsgSize limits.concurrency.endorserService limits.concurrency.deliverService limits.concurrency.gatewayService
      deliveryclient.blockGossipEnabled BCCSP.PKCS11.AltID gossip.pvtData.implicitCollectionDisseminationPolicy.maxPeerCount`,
    chaincode: 'installTimeout externalBuilders system._lifecycle',
    ledger: 'snapshots.rootDir pvtdataStore.purgeInterval pvtdataStore.purgedKeyAuditLogging state.couchDBConfig.cacheSize',
    operations: 'listenAddress tls.enabled',
    metrics: 'provider statsd.prefix',
  },
  '3.1': {
    peer: 'deliveryclient.policy deliveryclient.blockCensorshipTimeoutKey deliveryclient.minimalReconnectInterval',
    chaincode:
      'runtimeParams.useWriteBatch runtimeParams.maxSizeWriteBatch runtimeParams.useGetMultipleKeys runtimeParams.maxSizeGetMultipleKeys',
  },
};

const paths = (sections: Readonly<Record<string, string>>): string[] =>
  Object.entries(sections).flatMap(([section, keys]) => keys.split(/\s+/).map((key) => `${section}.${key}`));

describe.each(Object.keys(RELEASES))('the sample core.yaml of Fabric %s', (release) => {
  it('has no unknown key', () => {
    const all = [...paths(EVERY_RELEASE), ...paths(RELEASES[release] ?? {})];
    expect(all.length).toBeGreaterThan(80);
    expect(all.filter((path) => covering(path, KNOWN_KEYS) === undefined)).toEqual([]);
  });
});

describe('a path', () => {
  it('is covered by itself in any case, else by the longest open section', () => {
    expect(covering('PEER.ID', ['peer.*', 'peer.id'])).toBe('peer.id');
    expect(covering('peer.gossip.pvtData.x', ['peer.gossip.*', 'peer.gossip.pvtData.*'])).toBe('peer.gossip.pvtData.*');
    expect(covering('peer.gossiping', ['peer.gossip.*'])).toBeUndefined();
    expect(covering('peer.ids', ['peer.id'])).toBeUndefined();
  });
});
