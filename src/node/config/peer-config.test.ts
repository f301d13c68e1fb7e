import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SelvageError } from '../../common/errors.ts';
import { parseLedgerPlace, parsePeerConfig } from './peer-config.ts';
import { type RawSettings, readSources } from './sources.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-config-'));
  await mkdir(join(folder, 'msp'));
  await mkdir(join(folder, 'tls'));
  for (const name of ['server.crt', 'server.key', 'ca.crt']) await writeFile(join(folder, 'tls', name), name);
});
afterAll(() => rm(folder, { recursive: true }));

const parse = (raw: RawSettings, logSpec?: string) => parsePeerConfig({ raw, folder }, logSpec);

/** The lines under the heading of the error. */
function problems(raw: RawSettings): string[] {
  try {
    parse(raw);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(SelvageError);
    expect(thrown).toMatchObject({ code: 'SETTING_INVALID' });
    return SelvageError.from(thrown).message.split('\n  ').slice(1);
  }
  return [];
}

const TLS = { enabled: true, cert: { file: 'tls/server.crt' }, key: { file: 'tls/server.key' }, rootcert: { file: 'tls/ca.crt' } };

describe('a peer without settings', () => {
  it('has the values of the sample core.yaml', () => {
    expect(parse({})).toMatchObject({
      id: 'jdoe',
      listenAddress: '0.0.0.0:7051',
      localMspId: 'SampleOrg',
      mspConfigPath: join(folder, 'msp'),
      fileSystemPath: '/var/hyperledger/production',
      authenticationWindowMs: 900_000,
      tls: undefined,
      handlers: {
        authFilters: [
          { name: 'DefaultAuth', library: '' },
          { name: 'ExpirationCheck', library: '' },
        ],
        decorators: [{ name: 'DefaultDecorator', library: '' }],
      },
      endorserConcurrency: 2500,
      chaincode: { mode: 'net', startupTimeoutMs: 300_000, executeTimeoutMs: 30_000, runtimeParams: undefined },
      ledger: {
        totalQueryLimit: 10_000,
        internalQueryLimit: 1000,
        richQueries: false,
        transientRetention: 1000,
        purgedKeyAudit: true,
        release: '2.x',
      },
      operationsAddress: undefined,
      statsd: undefined,
      logSpec: 'info',
    });
    expect([...parse({}).chaincode.system].sort()).toEqual(['_lifecycle', 'cscc', 'escc', 'lscc', 'qscc', 'vscc']);
  });

  it('takes empty sections and empty values for absent', () => {
    expect(parse({ peer: { id: null, tls: null, handlers: { authfilters: null } }, chaincode: null })).toEqual(parse({}));
  });
});

describe('a setting', () => {
  it('is read as YAML or a variable gives it', () => {
    const { chaincode, ledger, endorserConcurrency, deliverConcurrency, endorsement } = parse({
      peer: { limits: { concurrency: { endorserservice: '7', deliverservice: 8 } } },
      selvage: { endorsement: { answers: '1.1' } },
      chaincode: { startuptimeout: '1m30s', executetimeout: 2_000_000_000, system: { lscc: 'enable', cscc: 'disable', mine: true } },
      ledger: { state: { totalquerylimit: 5 }, pvtdatastore: { purgedkeyauditlogging: 'false' } },
    });
    expect([endorserConcurrency, deliverConcurrency, endorsement.answers]).toEqual([7, 8, '1.1']);
    expect([ledger.totalQueryLimit, ledger.purgedKeyAudit]).toEqual([5, false]);
    expect(chaincode).toMatchObject({ startupTimeoutMs: 90_000, executeTimeoutMs: 2000 });
    expect([...chaincode.system]).toEqual(['lscc', 'mine']);
  });

  it('of metrics sends them to StatsD where that is the provider', () => {
    expect(parse({ metrics: { provider: 'prometheus', statsd: { address: 'h:1' } } }).statsd).toBeUndefined();
    const defaults = { network: 'udp', address: '127.0.0.1:8125', writeIntervalMs: 10_000, prefix: '' };
    expect(parse({ metrics: { provider: 'statsd', statsd: { prefix: null } } }).statsd).toEqual(defaults);
    const statsd = { network: 'tcp', address: 'metrics:9125', writeinterval: '5s', prefix: 'org1_peer0' };
    expect(parse({ metrics: { provider: 'statsd', statsd } }).statsd).toEqual({
      network: 'tcp',
      address: 'metrics:9125',
      writeIntervalMs: 5_000,
      prefix: 'org1_peer0',
    });
    expect(() => parse({ metrics: { provider: 'statsd', statsd: { network: 'sctp' } } })).toThrow('expected one of udp, tcp');
    expect(() => parse({ metrics: { provider: 'statsd', statsd: { writeinterval: '0s' } } })).toThrow('a time above zero');
  });

  it('of time has the floors that Fabric has', () => {
    expect(parse({ chaincode: { startuptimeout: '1s', executetimeout: '999ms' } }).chaincode).toMatchObject({
      startupTimeoutMs: 5000,
      executeTimeoutMs: 30_000,
    });
  });

  it('of runtimeParams that is absent has the default of Fabric 3.1', () => {
    expect(parse({ chaincode: { runtimeparams: { usegetmultiplekeys: 'false', maxsizewritebatch: 50 } } }).chaincode.runtimeParams).toEqual(
      {
        useWriteBatch: true,
        maxSizeWriteBatch: 50,
        useGetMultipleKeys: false,
        maxSizeGetMultipleKeys: 1000,
      },
    );
  });

  it('of the deliver client has the defaults of Fabric 3.1, but for the longest pause', () => {
    expect(parse({}).delivery).toEqual({
      connectMs: 3_000,
      firstPauseMs: 100,
      longestPauseMs: 10_000,
      giveUpMs: 3_600_000,
      policy: 'cluster',
      withheldMs: 30_000,
    });
    const deliveryclient = {
      conntimeout: '5s',
      minimalreconnectinterval: '200ms',
      reconnectbackoffthreshold: '2s',
      policy: 'simple',
      blockcensorshiptimeoutkey: '20s',
    };
    expect(parse({ peer: { deliveryclient } }).delivery).toMatchObject({
      connectMs: 5_000,
      firstPauseMs: 200,
      longestPauseMs: 2_000,
      policy: 'simple',
      withheldMs: 20_000,
    });
    expect(parse({ peer: { deliveryclient: { reconnectbackoffthreshold: '3600s' } } }).delivery.longestPauseMs).toBe(10_000);
    expect(() => parse({ peer: { deliveryclient: { policy: 'other' } } })).toThrow(
      /peer.deliveryclient.policy: expected one of cluster, simple/,
    );
  });

  it('that is a path starts at the folder of core.yaml', () => {
    const { tls, handlers, fileSystemPath, ordererOverrides, operationsTls } = parse({
      peer: {
        filesystempath: 'data',
        tls: { ...TLS, clientauthrequired: true, clientrootcas: { files: '[a.pem b.pem]' } },
        deliveryclient: {
          addressoverrides: '[{from: orderer:7050, to: 127.0.0.1:17050, caCertsFile: ca.pem}, {from: other:7050, to: 127.0.0.1:27050}]',
        },
        handlers: {
          authfilters: [{ name: 'Mine', library: 'mine.mjs' }],
          endorsers: { escc: { name: 'X', library: '/x.mjs' }, own: { name: 'Y' } },
        },
      },
      operations: { tls: { ...TLS, clientauthrequired: true, clientrootcas: { files: ['tls/ca.crt'] } } },
    });
    expect(fileSystemPath).toBe(join(folder, 'data'));
    expect(tls).toEqual({
      certFile: join(folder, 'tls/server.crt'),
      keyFile: join(folder, 'tls/server.key'),
      rootCertFile: join(folder, 'tls/ca.crt'),
      clientCertFile: join(folder, 'tls/server.crt'),
      clientKeyFile: join(folder, 'tls/server.key'),
      clientAuthRequired: true,
      clientRootFiles: [join(folder, 'a.pem'), join(folder, 'b.pem')],
    });
    expect(ordererOverrides).toEqual([
      { from: 'orderer:7050', to: '127.0.0.1:17050', caCertsFile: 'ca.pem' },
      { from: 'other:7050', to: '127.0.0.1:27050', caCertsFile: '' },
    ]);
    expect(operationsTls).toEqual({
      certFile: join(folder, 'tls/server.crt'),
      keyFile: join(folder, 'tls/server.key'),
      clientAuthRequired: true,
      clientRootFiles: [join(folder, 'tls/ca.crt')],
    });
    expect(handlers.authFilters).toEqual([{ name: 'Mine', library: join(folder, 'mine.mjs') }]);
    expect([...handlers.endorsers]).toEqual([
      ['escc', { name: 'X', library: '/x.mjs' }],
      ['own', { name: 'Y', library: '' }],
    ]);
  });
});

describe('the log specification', () => {
  it('is that of the environment, then of logging.spec, then of logging.level', () => {
    const logging = { spec: 'warn', level: 'error' };
    expect(parse({ logging }, 'debug').logSpec).toBe('debug');
    expect(parse({ logging }).logSpec).toBe('warn');
    expect(parse({ logging: { level: 'error' } }, '').logSpec).toBe('error');
  });
});

describe('settings that are wrong', () => {
  it('are listed all at once, each with its variable', () => {
    const raw = {
      peer: {
        listenaddress: '7051',
        filesystempath: '/var/\0',
        mspconfigpath: 'absent',
        tls: { ...TLS, key: { file: 'tls/absent.key' }, rootcert: { file: 'tls/absent.crt' }, clientcert: { file: 'tls/server.crt' } },
        authentication: { timewindow: 'soon' },
        handlers: { decorators: [{ library: 'x' }] },
      },
      chaincode: { mode: 'turbo', startuptimeout: '-5s' },
      ledger: { state: { statedatabase: 'CouchDB', totalquerylimit: 'many' } },
      operations: { tls: { enabled: 'true' } },
      selvage: { ledgerrelease: '3' },
    };
    expect(problems(raw).sort()).toEqual([
      'chaincode.mode: expected one of net, dev (CORE_CHAINCODE_MODE)',
      'chaincode.startuptimeout: expected a number with a unit, like 30s or 1h30m (CORE_CHAINCODE_STARTUPTIMEOUT)',
      expect.stringMatching(
        /^ledger\.state\.stateDatabase: there is no driver for a CouchDB server yet; .*selvage\.richQueries.* \(CORE_LEDGER_STATE_STATEDATABASE\)$/,
      ),
      'ledger.state.totalQueryLimit: expected a whole number (CORE_LEDGER_STATE_TOTALQUERYLIMIT)',
      'operations.tls.cert.file: TLS is on, so this file is needed (CORE_OPERATIONS_TLS_CERT_FILE)',
      'operations.tls.key.file: TLS is on, so this file is needed (CORE_OPERATIONS_TLS_KEY_FILE)',
      'peer.authentication.timewindow: expected a number with a unit, like 30s or 1h30m (CORE_PEER_AUTHENTICATION_TIMEWINDOW)',
      'peer.fileSystemPath: expected no NUL characters (CORE_PEER_FILESYSTEMPATH)',
      expect.stringMatching(/^peer\.handlers\.decorators\.0\.name: .* \(CORE_PEER_HANDLERS_DECORATORS_0_NAME\)$/),
      'peer.listenAddress: expected host:port (CORE_PEER_LISTENADDRESS)',
      `peer.mspConfigPath: there is no ${join(folder, 'absent')} (CORE_PEER_MSPCONFIGPATH)`,
      'peer.tls.clientCert.file: peer.tls.clientKey.file and peer.tls.clientCert.file must both be set or must both be empty (CORE_PEER_TLS_CLIENTCERT_FILE)',
      `peer.tls.key.file: there is no ${join(folder, 'tls/absent.key')} (CORE_PEER_TLS_KEY_FILE)`,
      `peer.tls.rootcert.file: there is no ${join(folder, 'tls/absent.crt')} (CORE_PEER_TLS_ROOTCERT_FILE)`,
      'selvage.ledgerRelease: expected one of 1.1, 2.x (CORE_SELVAGE_LEDGERRELEASE)',
    ]);
  });

  it('may be an address that no chaincode could dial', () => {
    const raw = { peer: { chaincodeaddress: '0.0.0.0:7052' } };
    expect(problems(raw)).toEqual([
      'peer.chaincodeAddress: invalid endpoint for chaincode to connect: 0.0.0.0:7052 (CORE_PEER_CHAINCODEADDRESS)',
    ]);
    expect(problems({ ...raw, chaincode: { mode: 'dev' } })).toEqual([]);
  });

  it('do not matter for TLS that is off', () => {
    expect(problems({ peer: { tls: { cert: { file: 'absent' } } } })).toEqual([]);
  });
});

/** Written by hand in the shape of Fabric's sample: every section that Selvage reads, values as a user would leave them. */
const CORE_YAML = `
peer:
  id: jdoe
  networkId: dev
  listenAddress: 0.0.0.0:7051
  address: 0.0.0.0:7051
  addressAutoDetect: false
  gateway: { enabled: true, endorsementTimeout: 30s }
  keepalive:
    minInterval: 60s
    client: { interval: 60s, timeout: 20s }
  gossip:
    bootstrap: 127.0.0.1:7051
    pvtData: { pullRetryThreshold: 60s, transientstoreMaxBlockRetention: 1000 }
  tls:
    enabled: false
    clientAuthRequired: false
    cert: { file: tls/server.crt }
    key: { file: tls/server.key }
    rootcert: { file: tls/ca.crt }
    clientRootCAs:
      files:
        - tls/ca.crt
    clientKey:
      file:
    clientCert:
      file:
  authentication: { timewindow: 15m }
  fileSystemPath: /var/hyperledger/production
  mspConfigPath: msp
  localMspId: SampleOrg
  handlers:
    authFilters:
      - name: DefaultAuth
      - name: ExpirationCheck
    decorators:
      - name: DefaultDecorator
    endorsers:
      escc:
        name: DefaultEndorsement
        library:
    validators:
      vscc:
        name: DefaultValidation
        library:
  validatorPoolSize:
  limits: { concurrency: { endorserService: 2500, deliverService: 2500 } }
vm:
  endpoint: unix:///var/run/docker.sock
chaincode:
  id: { path: , name: }
  builder: $(DOCKER_NS)/fabric-ccenv:$(TWO_DIGIT_VERSION)
  externalBuilders:
    - name: ccaas_builder
      path: /opt/hyperledger/ccaas_builder
  startuptimeout: 300s
  executetimeout: 30s
  mode: net
  keepalive: 0
  system: { _lifecycle: enable, cscc: enable, lscc: enable, qscc: enable }
  logging: { level: info, shim: warning, format: '%{message}' }
ledger:
  blockchain:
  state: { stateDatabase: goleveldb, totalQueryLimit: 100000, couchDBConfig: { couchDBAddress: '127.0.0.1:5984' } }
  history: { enableHistoryDatabase: true }
operations:
  listenAddress: 127.0.0.1:9443
  tls: { enabled: false }
metrics:
  provider: disabled
`;

describe('a whole core.yaml', () => {
  it('is taken as it is, and what it changes nothing with is named', async () => {
    await writeFile(join(folder, 'core.yaml'), CORE_YAML);
    const sources = readSources({ FABRIC_CFG_PATH: folder, CORE_PEER_ID: 'peer0' });
    expect(sources.unknown).toEqual([]);
    expect(sources.ignored).toEqual([
      'chaincode.keepalive',
      'ledger.history',
      'ledger.state',
      'peer.handlers.validators',
      'peer.keepalive',
    ]);
    expect(parsePeerConfig(sources, undefined)).toMatchObject({ id: 'peer0', operationsAddress: '127.0.0.1:9443', tls: undefined });
  });
});

describe('the place of the ledgers', () => {
  it('is read from a configuration whose MSP and TLS files are not there', () => {
    const raw = { peer: { filesystempath: 'data', tls: { enabled: 'true' }, mspconfigpath: 'nowhere' } };
    expect(() => parsePeerConfig({ raw, folder: '/conf' }, undefined)).toThrow();
    expect(parseLedgerPlace({ raw, folder: '/conf' })).toEqual({ fileSystemPath: '/conf/data', release: '2.x' });
    expect(parseLedgerPlace({ raw: {}, folder: '/conf' }).fileSystemPath).toBe('/var/hyperledger/production');
  });
});
