import { join } from 'node:path';
import { ChaincodeSupport } from '../chaincode/chaincode-support.ts';
import type { LaunchablePackages } from '../chaincode/launch.ts';
import { LegacyCollectionAccess } from '../chaincode/lifecycle/legacy-collection-access.ts';
import { LegacyDefinitions } from '../chaincode/lifecycle/legacy-definitions.ts';
import { OutputFolder } from '../chaincode/output/output-folder.ts';
import { PackageStore } from '../chaincode/packaging/package-store.ts';
import { platformNameOf } from '../chaincode/platforms/package-rules.ts';
import { ChannelRegistry } from '../channel/channel-registry.ts';
import type { JoinedChannel } from '../channel/joined-channel.ts';
import { validationCodeName } from '../client/submit.ts';
import { listen, type ServerTls } from '../comm/server.ts';
import { BlockValidator } from '../committer/block-validator.ts';
import { ChannelCommitter } from '../committer/channel-committer.ts';
import { vscc } from '../committer/plugins/vscc.ts';
import { joinAddress, splitAddress } from '../common/address.ts';
import type { Cancellable } from '../common/cancel.ts';
import { systemClock } from '../common/clock.ts';
import type { Logger } from '../common/log.ts';
import type { Metrics } from '../common/metrics.ts';
import { Scope } from '../common/scope.ts';
import { Endorser } from '../endorser/endorser.ts';
import { loadHandlers } from '../endorser/handlers/library.ts';
import type { CommitOutcome, InvalidReason } from '../ledger/ledger.ts';
import { FolderLedgerProvider } from '../ledger/ledger-provider.ts';
import { AclProvider } from '../msp/acl-provider.ts';
import { bundleFromBlock, validateConfigEnvelope } from '../msp/channelconfig/bundle.ts';
import { SignatureVerifier } from '../msp/identities/signature-verifier.ts';
import type { LocalMsp } from '../msp/local-msp.ts';
import { Cscc } from '../scc/cscc.ts';
import { Lscc } from '../scc/lscc/lscc.ts';
import { Qscc } from '../scc/qscc.ts';
import { chaincodeSupportService } from '../services/chaincode-support-service.ts';
import { endorserService } from '../services/endorser-service.ts';
import { peerDeliverService } from '../services/peer-deliver-service.ts';
import { ChaincodeCa } from './chaincode-certificates.ts';
import { chaincodeEnvironment, openRuntime } from './chaincode-runtime.ts';
import { legacyLifetimes } from './collection-lifetimes.ts';
import type { PeerConfig } from './config/peer-config.ts';
import { readPem } from './files.ts';
import { failedChannels, lostServices } from './health.ts';
import { loadMembership } from './membership.ts';
import { type OperationsParts, type OperationsServer, serveOperations } from './operations.ts';
import { OrdererSource } from './orderer-source.ts';
import { prepareChaincode } from './prepare-chaincode.ts';
import { version } from './version.ts';

export interface PeerParts extends Cancellable {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Hears of every transaction that was ordered and then found invalid here. */
  readonly onInvalid?: (transaction: InvalidTransaction) => void;
  /** What the operations server shows beside the peer's health, where the configuration has one. */
  readonly operations?: Pick<OperationsParts, 'metrics' | 'logLevels'>;
}

/** A transaction that is on the ledger and changed nothing, and why. */
export interface InvalidTransaction extends InvalidReason {
  readonly channelId: string;
  readonly blockNumber: bigint;
  readonly codeName: string;
}

/** A peer that answers. Disposing stops its chaincode, finishes the commits that have begun and frees its ports. */
export interface Peer extends AsyncDisposable {
  readonly address: string;
  readonly chaincodeAddress: string;
  /** Where health and metrics are served, if they are. */
  readonly operationsAddress: string | undefined;
  /** Why a recent transaction was invalidated here; undefined when it was not, or too long ago. */
  explain(channelId: string, txId: string): InvalidReason | undefined;
  /**
   * Starts a chaincode of a channel, if it does not run, so that the first call need not wait for that.
   * @throws {SelvageError} `CHANNEL_NOT_FOUND`, `CHAINCODE_NOT_FOUND`, and all that a launch can fail with
   */
  prepare(channelId: string, chaincode: string, options: Cancellable): Promise<void>;
}

/** Starts a peer. Read downwards to learn what it is made of; disposing it runs the same list upwards. */
export async function startPeer(config: PeerConfig, parts: PeerParts): Promise<Peer> {
  const { log, metrics, signal } = parts;
  await using scope = new Scope();
  const verifier = new SignatureVerifier();
  const membership = await loadMembership(config.mspConfigPath, config.localMspId, { verifier, log: log.child({ module: 'msp' }) });
  const ledgers = scope.use(await openLedgers(config, parts));
  const channels = scope.use(
    await ChannelRegistry.open({
      ledgers,
      bundleFromBlock: (block) => bundleFromBlock(block, { verifier }),
      log: log.child({ module: 'channel' }),
    }),
  );
  scope.use(followChannels(channels, { verifier, membership, config, parts }));
  const access = new AclProvider({ localMsp: membership.msp });
  const packages = new PackageStore({
    directory: join(config.fileSystemPath, 'chaincodes'),
    texts: '1.1',
    log: log.child({ module: 'chaincode.packages' }),
  });
  const definitions = new LegacyDefinitions({ packages, texts: '1.1' });
  const handlers = await loadHandlers(handlerSettings(config), { clock: systemClock });
  const system = systemChaincodes(config, { channels, access, packages, endorsers: new Set(handlers.endorsements.keys()) });
  const chaincodes = scope.use(await startChaincodes(config, parts, { channels, access, packages, definitions, system, scope }));
  const endorser = new Endorser({
    channels,
    localMsp: membership.msp,
    access,
    signer: membership.signer,
    chaincodes,
    definitions,
    systemChaincodes: system,
    handlers,
    options: {
      concurrency: config.endorserConcurrency,
      systemVersion: config.endorsement.systemVersion,
      ignoreInitStatus: !config.endorsement.initStatusFails,
    },
    metrics,
    log: log.child({ module: 'endorser' }),
  });
  const deliver = peerDeliverService({
    channels,
    acl: access,
    timeWindowMs: config.authenticationWindowMs,
    mutualTls: config.tls?.clientAuthRequired === true,
    log: log.child({ module: 'deliver' }),
  });
  signal.throwIfAborted();
  const methods = [...endorserService(endorser), ...deliver];
  const failedChecks = () => [...failedChannels(channels), ...lostServices(chaincodes)];
  const operations = await startOperations(config, parts, failedChecks);
  if (operations !== undefined) scope.use(operations);
  const server = scope.use(
    await listen({ address: config.listenAddress, tls: await peerTls(config), methods, log: log.child({ module: 'comm' }) }),
  );

  const owned = scope.move();
  return {
    address: joinAddress({ host: splitAddress(config.listenAddress)?.host ?? '', port: server.port }),
    chaincodeAddress: config.chaincodeAddress,
    operationsAddress: operations?.address,
    prepare: (channelId, name, options) => prepareChaincode({ channels, definitions, chaincodes }, { channelId, name }, options),
    explain: (channelId, txId) => channels.get(channelId)?.ledger.reasonFor(txId),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** Says how the peer is, while it is being stopped as well as while it runs. */
async function startOperations(
  { operationsAddress }: PeerConfig,
  { operations }: PeerParts,
  failedChecks: OperationsParts['failedChecks'],
): Promise<OperationsServer | undefined> {
  if (operationsAddress === undefined) return undefined;
  return serveOperations({
    address: operationsAddress,
    metrics: operations?.metrics ?? (async () => ''),
    logLevels: operations?.logLevels,
    failedChecks,
    version,
  });
}

const openLedgers = ({ fileSystemPath, ledger }: PeerConfig, { log, metrics }: PeerParts): Promise<FolderLedgerProvider> =>
  FolderLedgerProvider.open({
    root: join(fileSystemPath, 'ledgers'),
    release: () => ledger.release,
    simulator: { totalQueryLimit: ledger.totalQueryLimit },
    lifetimes: legacyLifetimes,
    transientRetention: ledger.transientRetention,
    log: log.child({ module: 'ledger' }),
    metrics,
  });

interface FollowParts {
  readonly verifier: SignatureVerifier;
  readonly membership: LocalMsp;
  readonly config: PeerConfig;
  readonly parts: PeerParts;
}

/** Commits what is ordered, on every channel that is joined now or later. */
function followChannels(channels: ChannelRegistry, { verifier, membership, config, parts }: FollowParts): AsyncDisposable {
  const scope = new Scope();
  const validator = new BlockValidator({
    plugins: new Map([['vscc', vscc]]),
    applyConfig: (bundle, envelope) => validateConfigEnvelope(bundle, envelope, { verifier }),
  });
  const follow = (channel: JoinedChannel): void => {
    const log = parts.log.child({ module: 'committer', channel: channel.id });
    if (!channel.bundle().msps.mspIds.includes(config.localMspId))
      log.warn('this peer is of no organisation of the channel', { mspId: config.localMspId, members: channel.bundle().msps.mspIds });
    const source = new OrdererSource({ channel, signer: membership.signer, tls: config.tls !== undefined, log });
    const onCommitted = tellInvalid(channel.id, parts.onInvalid);
    scope.use(new ChannelCommitter({ channel, source, validator, log, metrics: parts.metrics, onCommitted })).start();
  };
  for (const channel of channels.list()) follow(channel);
  scope.use(channels.onJoined(follow));
  return scope;
}

const tellInvalid =
  (channelId: string, tell: PeerParts['onInvalid']) =>
  ({ blockNumber, reasons }: CommitOutcome): void => {
    for (const reason of reasons) tell?.({ ...reason, channelId, blockNumber, codeName: validationCodeName(reason.code) });
  };

interface SystemParts {
  readonly channels: ChannelRegistry;
  readonly access: AclProvider;
  readonly packages: PackageStore;
  readonly endorsers: ReadonlySet<string>;
}

/** The system chaincodes that `chaincode.system` switches on. */
function systemChaincodes({ chaincode }: PeerConfig, { channels, access, packages, endorsers }: SystemParts) {
  const joiner = {
    join: async (genesis: Uint8Array): Promise<void> => {
      await channels.join(genesis);
    },
  };
  const isSystem = (name: string): boolean => ['lscc', 'cscc', 'qscc', 'escc', 'vscc'].includes(name);
  const all = [
    new Lscc({ channels, access, packages, isSystem, endorsementPlugins: endorsers, validationPlugins: new Set(['vscc']) }),
    new Cscc({ channels, access, joiner }),
    new Qscc({ channels, access }),
  ];
  return all.filter(({ name }) => chaincode.system.has(name));
}

interface ChaincodeParts {
  readonly channels: ChannelRegistry;
  readonly access: AclProvider;
  readonly packages: PackageStore;
  readonly definitions: LegacyDefinitions;
  readonly system: ReturnType<typeof systemChaincodes>;
  readonly scope: Scope;
}

/** Chaincode support with its runtime below it and its listener in front of it. */
async function startChaincodes(config: PeerConfig, { log, metrics, signal }: PeerParts, parts: ChaincodeParts): Promise<ChaincodeSupport> {
  const { channels, access, packages, definitions, system, scope } = parts;
  const { chaincode } = config;
  const userRunsChaincode = chaincode.mode === 'dev';
  // Chaincode that the user starts has no certificate of ours, so it is let in without TLS.
  const authority = config.tls === undefined || userRunsChaincode ? undefined : await ChaincodeCa.create(systemClock.now());
  const output = new OutputFolder({ directory: join(config.fileSystemPath, 'chaincode-logs'), log: log.child({ module: 'chaincode' }) });
  const support = new ChaincodeSupport({
    system,
    channels,
    acl: access,
    definitions,
    collections: new LegacyCollectionAccess(channels),
    runtime: await openRuntime(config, { log, signal }, scope),
    output,
    packages: launchable(packages),
    certificates: authority,
    userRunsChaincode,
    peerAddress: config.chaincodeAddress,
    env: chaincodeEnvironment(chaincode),
    drainMs: chaincode.stopGraceMs,
    retireAfterMs: chaincode.retireAfterMs,
    startupTimeoutMs: chaincode.startupTimeoutMs,
    executeTimeoutMs: chaincode.executeTimeoutMs,
    totalQueryLimit: config.ledger.totalQueryLimit,
    runtimeParams: chaincode.runtimeParams,
    logger: log.child({ module: 'chaincode' }),
    metrics,
  });
  const tls: ServerTls | undefined = await authority?.server(splitAddress(config.chaincodeAddress)?.host ?? '');
  scope.use(
    await listen({
      address: config.chaincodeListenAddress,
      tls,
      methods: chaincodeSupportService(support),
      log: log.child({ module: 'comm' }),
    }),
  );
  return support;
}

/** Installed packages, as a launch wants them. */
const launchable = (packages: PackageStore): LaunchablePackages => ({
  load: async ({ name, version }) => {
    const { spec, deploymentSpec } = await packages.load(name, version);
    return { platform: platformNameOf(spec.type), codePackage: deploymentSpec.codePackage, path: spec.chaincodeId?.path ?? '' };
  },
});

const handlerSettings = ({ handlers }: PeerConfig) => ({
  authFilters: handlers.authFilters,
  decorators: handlers.decorators,
  endorsers: { escc: { name: 'DefaultEndorsement' }, ...Object.fromEntries(handlers.endorsers) },
});

/** Client certificates are checked against the configured roots and the peer's own. @throws {SelvageError} `SETTING_INVALID` naming the file */
async function peerTls({ tls }: PeerConfig): Promise<ServerTls | undefined> {
  if (tls === undefined) return undefined;
  const clientRoots = tls.clientAuthRequired ? await Promise.all([...tls.clientRootFiles, tls.rootCertFile].map(readPem)) : undefined;
  return { key: await readPem(tls.keyFile), cert: await readPem(tls.certFile), clientRoots };
}
