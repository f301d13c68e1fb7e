import * as v from 'valibot';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { ImageSettings } from '../../packages/platforms/image-names.ts';
import type { PrivateDataSettings } from '../../privdata/settings.ts';
import { chaincodeAddresses, peerAddress } from './chaincode-addresses.ts';
import { type DeliveryConfig, deliveryConfig } from './delivery-config.ts';
import { type DiscoveryConfig, discoveryConfig } from './discovery-config.ts';
import { type GatewayConfig, gatewayConfig } from './gateway-config.ts';
import { type GossipConfig, gossipConfig } from './gossip-config.ts';
import { KNOWN_KEYS } from './known-keys.ts';
import { missingFiles, type Problem } from './named-files.ts';
import { peerSchema } from './peer-schema.ts';
import { privateDataConfig } from './private-data-config.ts';
import { configPath, type SettingSources, settingAt, variableOf } from './sources.ts';
import { type StatsdConfig, statsdConfig } from './statsd-config.ts';

/** Everything a peer needs to know before it starts. Paths are absolute; times are in milliseconds. */
export interface PeerConfig {
  readonly id: string;
  readonly networkId: string;
  readonly listenAddress: string;
  /** Where others reach this peer. */
  readonly address: string;
  readonly chaincodeListenAddress: string;
  /** What chaincode is told to dial. */
  readonly chaincodeAddress: string;
  readonly localMspId: string;
  readonly mspConfigPath: string;
  readonly fileSystemPath: string;
  readonly authenticationWindowMs: number;
  readonly tls: PeerTlsConfig | undefined;
  /** Orderers that are reached elsewhere than the channel configuration says. */
  readonly ordererOverrides: readonly OrdererOverride[];
  readonly delivery: DeliveryConfig;
  readonly gossip: GossipConfig;
  readonly gateway: GatewayConfig;
  readonly discovery: DiscoveryConfig;
  readonly privateData: PrivateDataSettings;
  readonly handlers: HandlersConfig;
  readonly endorserConcurrency: number;
  readonly deliverConcurrency: number;
  readonly chaincode: ChaincodeConfig;
  readonly ledger: {
    readonly totalQueryLimit: number;
    /** Whether JSON queries are answered; refused as of a peer with LevelDB otherwise. */
    readonly richQueries: boolean;
    /** `ledger.state.couchDBConfig.internalQueryLimit`: documents that a rich query asks for at a time. */
    readonly internalQueryLimit: number;
    /** Blocks that private data of transactions which never come are kept for. */
    readonly transientRetention: number;
    /** Whether each private key that is purged is named in the log. */
    readonly purgedKeyAudit: boolean;
    /** Whose local habits the ledger has: order of history, metadata slots, configuration entry. */
    readonly release: '1.1' | '2.x';
  };
  readonly endorsement: { readonly systemVersion: string; readonly initStatusFails: boolean; readonly answers: '1.1' | '2.x' };
  /** Operations server (health, metrics), absent when not configured. */
  readonly operationsAddress: string | undefined;
  /** Where metrics are sent beside being served; absent where they are not. */
  readonly statsd: StatsdConfig | undefined;
  /** Of the operations server, absent where it speaks plain HTTP. */
  readonly operationsTls: TlsConfig | undefined;
  /** Which images chaincode is built with; names may have variables. */
  readonly images: ImageSettings;
  /** Where chaincode runs that no external builder claims. */
  readonly runtime: 'process' | 'docker';
  readonly docker: DockerConfig;
  /** Fabric's log specification: a level, or `module=level:…:level`. */
  readonly logSpec: string;
}

/** `vm.*` and `chaincode.pull`. */
export interface DockerConfig {
  readonly endpoint: string;
  readonly tls: { readonly caFile: string; readonly certFile: string; readonly keyFile: string } | undefined;
  readonly attachStdout: boolean;
  readonly pull: boolean;
  /** `vm.docker.hostConfig`, keys in lower case. */
  readonly hostConfig: Readonly<Record<string, unknown>>;
}

/** A server's side of TLS. */
export interface TlsConfig {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientAuthRequired: boolean;
  readonly clientRootFiles: readonly string[];
}

export interface PeerTlsConfig extends TlsConfig {
  readonly rootCertFile: string | undefined;
  /** What the peer shows where it is a client: `peer.tls.clientCert` and `clientKey`, else what it has as a server. */
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
}

/** One entry of `peer.deliveryclient.addressOverrides`. */
export interface OrdererOverride {
  readonly from: string;
  readonly to: string;
  /** Relative to where the peer was started, as in Fabric; '' for the authorities that the channel configuration names. */
  readonly caCertsFile: string;
}

/** One auth filter, decorator or plugin: a built-in by name, or a module of the user's. */
export interface HandlerConfig {
  readonly name: string;
  /** Absolute path of a JavaScript module; '' for a built-in. */
  readonly library: string;
}

export interface HandlersConfig {
  readonly authFilters: readonly HandlerConfig[];
  readonly decorators: readonly HandlerConfig[];
  readonly endorsers: ReadonlyMap<string, HandlerConfig>;
}

export interface ChaincodeConfig {
  readonly mode: 'net' | 'dev';
  readonly startupTimeoutMs: number;
  readonly executeTimeoutMs: number;
  /** Of an installation, with its build; never less than the execute timeout. */
  readonly installTimeoutMs: number;
  /** Environment that shims read: level, shim level and format of the chaincode's own log. */
  readonly logging: Readonly<Record<'level' | 'shim' | 'format', string>>;
  /** System chaincodes that are switched on. */
  readonly system: ReadonlySet<string>;
  /** What shims of Fabric 3.1 are told they may batch; undefined leaves READY bare, as before 3.1. */
  readonly runtimeParams: RuntimeParams | undefined;
  /** Instances of a chaincode that run side by side: see {@link replicasOf}. */
  readonly replicas: ReplicaNumbers;
  readonly stopGraceMs: number;
  /** How long a version may be unused before another one has it stopped; never if undefined. */
  readonly retireAfterMs: number | undefined;
  /** What chaincode prints goes into the peer's log, too. */
  readonly logOutput: boolean;
  /** Node chaincode is started with its inspector open. */
  readonly inspect: boolean;
  /** In the order they are asked; paths are absolute. */
  readonly externalBuilders: readonly ExternalBuilderConfig[];
  /** Where installed dependencies are kept between launches. */
  readonly cacheFolder: string;
  /** Of chaincode that runs as processes. */
  readonly isolation: ProcessIsolation;
  /** Whether Node chaincode that this peer starts speaks over a socket of its own instead of gRPC, where it can. */
  readonly localTransport: boolean;
  /** Of builds that run as processes: what `selvage.process` says of them. */
  readonly builds: ProcessBuilds;
}

export interface ProcessBuilds {
  readonly sandboxBuilds: boolean;
  readonly shareBuildCaches: boolean;
  readonly cache: { readonly maxBytes: number | undefined; readonly maxUnusedMs: number | undefined };
}

/** `selvage.process`: limits are absent where there are none but the peer's own. */
export interface ProcessIsolation {
  readonly sandbox: 'off' | 'auto' | 'required';
  readonly limits: Readonly<Record<'memoryBytes' | 'openFiles' | 'cpus' | 'processes', number | undefined>>;
}

/** One entry of `chaincode.externalBuilders`. */
export interface ExternalBuilderConfig {
  readonly name: string;
  readonly path: string;
  readonly propagateEnvironment: readonly string[];
}

/**
 * Where a peer keeps its ledgers, and like which release: all that looking at them needs, so nothing else of the configuration has to
 * be right.
 * @throws {SelvageError} `SETTING_INVALID`
 */
export function parseLedgerPlace({ raw, folder }: Pick<SettingSources, 'raw' | 'folder'>): {
  readonly fileSystemPath: string;
  readonly release: PeerConfig['ledger']['release'];
} {
  const parsed = v.safeParse(peerSchema, {
    peer: { filesystempath: settingAt(raw, 'peer.filesystempath') },
    selvage: { ledgerrelease: settingAt(raw, 'selvage.ledgerrelease') },
  });
  if (!parsed.success) throw invalid(parsed.issues.map((issue) => ({ path: v.getDotPath(issue) ?? '', message: issue.message })));
  const { peer, selvage } = parsed.output;
  return { fileSystemPath: configPath(folder, peer.filesystempath), release: selvage.ledgerrelease };
}

/** `chaincode.runtimeParams`. */
export interface RuntimeParams {
  readonly useWriteBatch: boolean;
  readonly maxSizeWriteBatch: number;
  readonly useGetMultipleKeys: boolean;
  readonly maxSizeGetMultipleKeys: number;
}

/** `selvage.replicas`, and `selvage.chaincodes.NAME.replicas` where that is set. */
export interface ReplicaNumbers {
  readonly usual: number;
  /** Names in lower case, as all keys are. */
  readonly byName: ReadonlyMap<string, number>;
}

/** How many instances of the chaincode with this name run side by side. */
export const replicasOf = ({ usual, byName }: ReplicaNumbers, name: string): number => byName.get(name.toLowerCase()) ?? usual;

type Parsed = v.InferOutput<typeof peerSchema>;

/**
 * The whole configuration, or one error that lists every bad key with its path and its CORE_ variable. It looks whether files
 * and folders that must be there can be read, so that those are listed with the rest; it does not read them.
 *
 * @throws {SelvageError} `SETTING_INVALID`
 */
export function parsePeerConfig({ raw, folder }: Pick<SettingSources, 'raw' | 'folder'>, logSpec: string | undefined): PeerConfig {
  const parsed = v.safeParse(peerSchema, raw);
  const shape = parsed.issues?.map((issue): Problem => ({ path: v.getDotPath(issue) ?? '', message: issue.message })) ?? [];
  const problems = [...shape, ...missingFiles({ raw, folder })];
  const addresses = parsed.success ? addressesOf(parsed.output) : undefined;
  if (addresses !== undefined && 'message' in addresses) problems.push(addresses);
  if (!parsed.success || addresses === undefined || 'message' in addresses || problems.length > 0) throw invalid(problems);
  const { peer, chaincode, ledger, metrics, operations, logging, selvage } = parsed.output;
  const dataFolder = configPath(folder, peer.filesystempath);
  const executeTimeoutMs = executeTimeout(chaincode.executetimeout);
  const address = peerAddress({ address: peer.address, autoDetect: peer.addressautodetect });
  return {
    id: peer.id,
    networkId: peer.networkid,
    listenAddress: peer.listenaddress,
    address,
    ...addresses,
    localMspId: peer.localmspid,
    mspConfigPath: configPath(folder, peer.mspconfigpath),
    fileSystemPath: dataFolder,
    authenticationWindowMs: peer.authentication.timewindow,
    tls: peer.tls.enabled ? peerTls(peer.tls, folder) : undefined,
    delivery: deliveryConfig(peer.deliveryclient),
    ordererOverrides: peer.deliveryclient.addressoverrides.map(({ from, to, cacertsfile }) => ({ from, to, caCertsFile: cacertsfile })),
    gossip: gossipConfig(peer.gossip, address),
    gateway: gatewayConfig(peer.gateway, peer.limits.concurrency.gatewayservice),
    discovery: discoveryConfig(peer.discovery),
    privateData: privateDataConfig(peer.gossip.pvtdata, ledger.pvtdatastore),
    handlers: handlersConfig(peer.handlers, folder),
    endorserConcurrency: peer.limits.concurrency.endorserservice,
    deliverConcurrency: peer.limits.concurrency.deliverservice,
    chaincode: {
      mode: chaincode.mode,
      startupTimeoutMs: Math.max(chaincode.startuptimeout, 5000),
      executeTimeoutMs,
      installTimeoutMs: Math.max(chaincode.installtimeout, executeTimeoutMs),
      logging: chaincode.logging,
      system: switchedOn(chaincode.system),
      runtimeParams: runtimeParams(chaincode.runtimeparams),
      replicas: { usual: selvage.replicas, byName: replicasByName(selvage.chaincodes) },
      stopGraceMs: selvage.stopgrace,
      retireAfterMs: selvage.retireafter ?? undefined,
      logOutput: selvage.logchaincodeoutput,
      inspect: selvage.inspectchaincode,
      externalBuilders: chaincode.externalbuilders.map((builder) => ({ ...builder, path: configPath(folder, builder.path) })),
      cacheFolder: configPath(folder, selvage.chaincodecache || `${dataFolder}/chaincode-cache`),
      builds: {
        sandboxBuilds: selvage.process.sandboxbuilds,
        shareBuildCaches: selvage.process.sharebuildcaches,
        cache: { maxBytes: selvage.process.cachesize || undefined, maxUnusedMs: selvage.process.cacheunused || undefined },
      },
      localTransport: selvage.process.localtransport,
      isolation: {
        sandbox: selvage.process.sandbox,
        limits: {
          memoryBytes: selvage.process.memory || undefined,
          openFiles: selvage.process.openfiles || undefined,
          cpus: selvage.process.cpus || undefined,
          processes: selvage.process.processes || undefined,
        },
      },
    },
    ledger: {
      totalQueryLimit: ledger.state.totalquerylimit,
      richQueries: selvage.richqueries,
      internalQueryLimit: ledger.state.couchdbconfig.internalquerylimit,
      transientRetention: peer.gossip.pvtdata.transientstoremaxblockretention,
      purgedKeyAudit: ledger.pvtdatastore.purgedkeyauditlogging,
      release: selvage.ledgerrelease,
    },
    endorsement: {
      systemVersion: selvage.endorsement.systemversion,
      initStatusFails: selvage.endorsement.initstatus === 'fails',
      answers: selvage.endorsement.answers,
    },
    statsd: statsdConfig(metrics),
    operationsAddress: operations.listenaddress || undefined,
    operationsTls: operations.tls.enabled ? tlsConfig(operations.tls, folder) : undefined,
    images: imageSettings(parsed.output),
    runtime: selvage.runtime,
    docker: dockerConfig(parsed.output, folder),
    logSpec: logSpec || logging.spec || logging.level || 'info',
  };
}

/**
 * What concerns Docker alone, for commands that need no peer: its identity and folders need not be there.
 * @throws {SelvageError} `SETTING_INVALID`
 */
export function parseDockerSettings({
  raw,
  folder,
}: Pick<SettingSources, 'raw' | 'folder'>): Pick<PeerConfig, 'id' | 'networkId' | 'fileSystemPath' | 'images' | 'docker'> {
  const parsed = v.safeParse(peerSchema, raw);
  if (!parsed.success) throw invalid(parsed.issues.map((issue) => ({ path: v.getDotPath(issue) ?? '', message: issue.message })));
  const { peer } = parsed.output;
  return {
    id: peer.id,
    networkId: peer.networkid,
    fileSystemPath: configPath(folder, peer.filesystempath),
    images: imageSettings(parsed.output),
    docker: dockerConfig(parsed.output, folder),
  };
}

/** Less than a second counts as none, as in Fabric. */
const executeTimeout = (ms: number | null): number => (ms !== null && ms >= 1000 ? ms : 30_000);

const invalid = (problems: readonly Problem[]): SelvageError =>
  new SelvageError('SETTING_INVALID', ['the configuration is not valid:', ...problems.map(lineOf)].join('\n  '), {
    advice: 'Correct core.yaml (in FABRIC_CFG_PATH) or set the CORE_ variable named above.',
  });

const lineOf = ({ path, message }: Problem): string => {
  const written = KNOWN_KEYS.find((key) => key.toLowerCase() === path.toLowerCase()) ?? path;
  return `${written}: ${message} (${variableOf(written)})`;
};

function addressesOf({ peer, chaincode }: Parsed): ReturnType<typeof chaincodeAddresses> | Problem {
  try {
    return chaincodeAddresses({
      address: peer.address,
      autoDetect: peer.addressautodetect,
      chaincodeAddress: peer.chaincodeaddress,
      chaincodeListenAddress: peer.chaincodelistenaddress,
      mode: chaincode.mode,
    });
  } catch (thrown) {
    return { path: 'peer.chaincodeAddress', message: messageOf(thrown) };
  }
}

const switchedOn = (system: Readonly<Record<string, string>>): ReadonlySet<string> =>
  new Set(Object.entries(system).flatMap(([name, value]) => (['enable', 'true', 'yes'].includes(value) ? [name] : [])));

function runtimeParams(params: Parsed['chaincode']['runtimeparams']): RuntimeParams | undefined {
  if (params === null) return undefined;
  return {
    useWriteBatch: params.usewritebatch,
    maxSizeWriteBatch: params.maxsizewritebatch || 1000,
    useGetMultipleKeys: params.usegetmultiplekeys,
    maxSizeGetMultipleKeys: params.maxsizegetmultiplekeys || 1000,
  };
}

const replicasByName = (chaincodes: Parsed['selvage']['chaincodes']): ReadonlyMap<string, number> =>
  new Map(Object.entries(chaincodes).flatMap(([name, { replicas }]) => (replicas === undefined ? [] : [[name, replicas]])));

const imageSettings = ({ chaincode }: Parsed): ImageSettings => ({
  builder: chaincode.builder,
  golangRuntime: chaincode.golang.runtime,
  golangDynamicLink: chaincode.golang.dynamiclink,
  nodeRuntime: chaincode.node.runtime,
  javaRuntime: chaincode.java.runtime,
  javaDockerfile: chaincode.java.dockerfile,
});

const dockerConfig = ({ vm, chaincode }: Parsed, folder: string): DockerConfig => {
  const { tls, attachstdout, hostconfig } = vm.docker;
  const files = {
    caFile: configPath(folder, tls.ca.file),
    certFile: configPath(folder, tls.cert.file),
    keyFile: configPath(folder, tls.key.file),
  };
  return {
    endpoint: vm.endpoint,
    tls: tls.enabled ? files : undefined,
    attachStdout: attachstdout,
    pull: chaincode.pull,
    hostConfig: hostconfig ?? {},
  };
};

const tlsConfig = (tls: Parsed['operations']['tls'], folder: string): TlsConfig => ({
  certFile: configPath(folder, tls.cert.file),
  keyFile: configPath(folder, tls.key.file),
  clientAuthRequired: tls.clientauthrequired,
  clientRootFiles: tls.clientrootcas.files.map((path) => configPath(folder, path)),
});

const peerTls = (tls: Parsed['peer']['tls'], folder: string): PeerTlsConfig => ({
  ...tlsConfig(tls, folder),
  rootCertFile: tls.rootcert.file === '' ? undefined : configPath(folder, tls.rootcert.file),
  clientCertFile: configPath(folder, tls.clientcert.file || tls.cert.file),
  clientKeyFile: configPath(folder, tls.clientkey.file || tls.key.file),
});

function handlersConfig({ authfilters, decorators, endorsers }: Parsed['peer']['handlers'], folder: string): HandlersConfig {
  const located = ({ name, library }: HandlerConfig): HandlerConfig => ({ name, library: library && configPath(folder, library) });
  return {
    authFilters: authfilters.map(located),
    decorators: decorators.map(located),
    endorsers: new Map(Object.entries(endorsers).map(([name, each]) => [name, located(each)])),
  };
}
