import { join } from 'node:path';
import { ChaincodeSupport } from '../chaincode/chaincode-support.ts';
import { heardOutput } from '../chaincode/output/heard-output.ts';
import { OutputFolder } from '../chaincode/output/output-folder.ts';
import type { ChaincodeRuntime } from '../chaincode/ports/runtime.ts';
import { ChannelRegistry } from '../channel/channel-registry.ts';
import type { JoinedChannel } from '../channel/joined-channel.ts';
import { StateChanges } from '../channel/state-changes.ts';
import { listen } from '../comm/server.ts';
import type { ServerTls } from '../comm/tls.ts';
import { joinAddress, splitAddress } from '../common/address.ts';
import type { Cancellable } from '../common/cancel.ts';
import { systemClock } from '../common/clock.ts';
import type { LogFields, Logger } from '../common/log.ts';
import type { Metrics } from '../common/metrics.ts';
import { Scope } from '../common/scope.ts';
import { Endorser } from '../endorser/endorser.ts';
import { loadHandlers } from '../endorser/handlers/library.ts';
import type { PeerView } from '../gossip/peers.ts';
import type { InvalidReason } from '../ledger/ledger.ts';
import { FolderLedgerProvider } from '../ledger/ledger-provider.ts';
import type { QueryAdvice } from '../ledger/statedb/query-advice.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import { definedLifetimes, heldBy } from '../lifecycle/committed-collections.ts';
import { IndexedDefinitions } from '../lifecycle/indexed-definitions.ts';
import { isSystemChaincode } from '../lifecycle/system-chaincodes.ts';
import { AclProvider } from '../msp/acl-provider.ts';
import { bundleFromBlock } from '../msp/channelconfig/bundle.ts';
import { EndorsingSigner } from '../msp/identities/endorsing-signer.ts';
import { SignatureVerifier } from '../msp/identities/signature-verifier.ts';
import { SignatureWork } from '../msp/identities/signature-work.ts';
import type { ChaincodeOutput, OutputLine } from '../packages/output.ts';
import { mayBeChaincode } from '../runtimes/local-caller.ts';
import { Cscc } from '../scc/cscc.ts';
import { Lifecycle } from '../scc/lifecycle/lifecycle.ts';
import { Lscc } from '../scc/lscc/lscc.ts';
import { Qscc } from '../scc/qscc.ts';
import { chaincodeSupportService } from '../services/chaincode-support-service.ts';
import { endorserService } from '../services/endorser-service.ts';
import { peerDeliverService } from '../services/peer-deliver-service.ts';
import { unservedServices } from '../services/unserved-services.ts';
import { ChaincodeCa } from './chaincode-certificates.ts';
import { type ChaincodeLifecycle, deployIndexes, openChaincodeLifecycle, takeCareOfChaincode } from './chaincode-lifecycle.ts';
import { chaincodeEnvironment, openRuntime } from './chaincode-runtime.ts';
import { trustMembers } from './client-authorities.ts';
import { type PeerConfig, replicasOf } from './config/peer-config.ts';
import { debuggersFor, warnOfOpenPort } from './development-mode.ts';
import { followChannels, type InvalidTransaction } from './follow-channels.ts';
import { failedChannels, lostServices, Readiness } from './health.ts';
import { loadMembership } from './membership.ts';
import { type FailedCheck, type OperationsParts, type OperationsServer, serveOperations } from './operations.ts';
import { prepareChaincode } from './prepare-chaincode.ts';
import { startDiscovery } from './start-discovery.ts';
import { startGateway } from './start-gateway.ts';
import { type NodeGossipParts, prepareGossip } from './start-gossip.ts';
import { startPrivateData } from './start-private-data.ts';
import { readOperationsTls, readOverrides, readPeerTls } from './tls-material.ts';
import { countTransactions } from './transaction-count.ts';
import { commitSha, version } from './version.ts';

export interface PeerParts extends Cancellable {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Hears of every transaction that was ordered and then found invalid here. */
  readonly onInvalid?: (transaction: InvalidTransaction) => void;
  /** Hears what chaincode and its builds print, beside the folder where it is kept. */
  readonly onOutput?: (ccid: string, line: OutputLine) => void;
  /** Hears what would help a rich query that no index served, once for each shape of query. */
  readonly onAdvice?: (advice: QueryAdvice) => void;
  /** Peers of any organisation to gossip with, beside those that the channels name. */
  readonly contacts?: NodeGossipParts['contacts'];
  /** What the operations server shows beside the peer's health, where the configuration has one. */
  readonly operations?: Pick<OperationsParts, 'metrics' | 'logLevels'>;
}

/** A peer that answers. Disposing stops its chaincode, finishes the commits that have begun and frees its ports. */
export interface Peer extends AsyncDisposable {
  readonly address: string;
  readonly chaincodeAddress: string;
  /** Where health and metrics are served, if they are. */
  readonly operationsAddress: string | undefined;
  /** Who there is, as far as it knows. */
  readonly peers: PeerView;
  /** What it does at the moment, for the log of somebody who asks. */
  report(): LogFields;
  /** Why a recent transaction was invalidated here; undefined when it was not, or too long ago. */
  explain(channelId: string, txId: string): InvalidReason | undefined;
  /**
   * Starts a chaincode of a channel, if it does not run, so that the first call need not wait for that.
   * @throws {SelvageError} `CHANNEL_NOT_FOUND`, `CHAINCODE_NOT_FOUND`, and all that a launch can fail with
   */
  prepare(channelId: string, chaincode: string, options: Cancellable): Promise<void>;
  /**
   * Starts an installed chaincode that no channel need have yet, to see that it starts before one has.
   * @throws {SelvageError} all that a launch can fail with
   */
  launch(chaincode: ChaincodeRef, options: Cancellable): Promise<void>;
}

/** Starts a peer. Read downwards to learn what it is made of; disposing it runs the same list upwards. */
export async function startPeer(config: PeerConfig, parts: PeerParts): Promise<Peer> {
  const { log, metrics, signal } = parts;
  await using scope = new Scope();
  const work = new SignatureWork();
  const verifier = new SignatureVerifier({ work });
  const membership = await loadMembership(config.mspConfigPath, config.localMspId, { verifier, log: log.child({ module: 'msp' }) });
  const tls = await readPeerTls(config);
  const overrides = await readOverrides(config, log.child({ module: 'committer' }));
  const readiness = new Readiness('the ledgers are being opened');
  const checks: (() => readonly FailedCheck[])[] = [];
  const operations = await startOperations(config, parts, { checks, readiness });
  if (operations !== undefined) scope.use(operations);
  const changes = new StateChanges();
  const ledgers = scope.use(await openLedgers(config, parts, changes));
  const channels = scope.use(
    await ChannelRegistry.open({
      ledgers,
      bundleFromBlock: (block) => bundleFromBlock(block, { verifier }),
      log: log.child({ module: 'channel' }),
    }),
  );
  checks.push(() => failedChannels(channels));
  signal.throwIfAborted();
  readiness.begin('chaincode is being prepared');
  scope.use(countTransactions(channels, metrics));
  metrics.gauge('fabric_version', 'The active version of Fabric.', { version }).set(1);
  const access = new AclProvider({ localMsp: membership.msp });
  const runtime = await openRuntime(config, { log, signal }, scope);
  const kept = new OutputFolder({ directory: join(config.fileSystemPath, 'chaincode-logs'), log: log.child({ module: 'chaincode' }) });
  const output = parts.onOutput === undefined ? kept : heardOutput(kept, parts.onOutput);
  const lifecycle = scope.use(await openChaincodeLifecycle(config, { channels, runtime, output, changes, log }));
  const definitions = config.ledger.richQueries
    ? new IndexedDefinitions(lifecycle.definitions, scope.use(deployIndexes({ lifecycle, changes, channels, log })))
    : lifecycle.definitions;
  const handlers = await loadHandlers(handlerSettings(config), {
    clock: systemClock,
    channels,
    timeWindowMs: config.authenticationWindowMs,
  });
  const system = systemChaincodes(config, { channels, access, lifecycle, endorsers: new Set(handlers.endorsements.keys()) });
  const chaincodes = scope.use(await startChaincodes(config, parts, { channels, access, lifecycle, runtime, output, system, scope }));
  if (config.chaincode.mode !== 'dev') scope.use(takeCareOfChaincode({ lifecycle, changes, channels, chaincodes, log }));
  const gossip = await prepareGossip(
    config,
    { contacts: parts.contacts, membership, channels, lifecycle, changes, tls, log, metrics },
    scope,
  );
  const { peers, privateData: exchange } = gossip;
  const privateData = scope.use(startPrivateData(config, { channels, peers, exchange, metrics, log }));
  scope.use(followChannels(channels, { verifier, membership, config, tls: tls?.client, overrides, privateData, ...parts }));
  const endorser = new Endorser({
    channels,
    localMsp: membership.msp,
    access,
    signer: new EndorsingSigner({ signer: membership.signer, identityId: membership.identity.id, verifier, work }),
    chaincodes,
    definitions,
    systemChaincodes: system,
    handlers,
    privateData: privateData.distributor,
    options: {
      concurrency: config.endorserConcurrency,
      systemVersion: config.endorsement.systemVersion,
      ignoreInitStatus: !config.endorsement.initStatusFails,
      answers: config.endorsement.answers,
    },
    metrics,
    log: log.child({ module: 'endorser' }),
  });
  const deliver = peerDeliverService({
    channels,
    acl: access,
    timeWindowMs: config.authenticationWindowMs,
    mutualTls: config.tls?.clientAuthRequired === true,
    concurrency: config.deliverConcurrency,
    metrics,
    log: log.child({ module: 'deliver' }),
  });
  const discovery = startDiscovery(config, { channels, peers, cache: lifecycle.cache, membership, log });
  const isSystem = (name: string): boolean => chaincodes.isSystem(name);
  const gateway = startGateway(config, {
    channels,
    access,
    peers,
    planner: discovery.planner,
    local: endorser,
    isSystem,
    overrides,
    tls: tls?.client,
    scope,
  });
  signal.throwIfAborted();
  const served = [...endorserService(endorser), ...deliver, ...discovery.methods, ...gateway, ...gossip.methods];
  const methods = [...served, ...unservedServices(served)];
  checks.push(() => lostServices(chaincodes));
  const server = scope.use(
    await listen({ address: config.listenAddress, tls: tls?.server, methods, metrics, log: log.child({ module: 'comm' }) }),
  );
  scope.use(trustMembers(server, channels, tls?.server.clientRoots ?? []));
  scope.use(gossip.start());

  readiness.ready();
  scope.defer(() => readiness.begin('the peer is stopping'));
  const owned = scope.move();
  return {
    address: joinAddress({ host: splitAddress(config.listenAddress)?.host ?? '', port: server.port }),
    chaincodeAddress: config.chaincodeAddress,
    operationsAddress: operations?.address,
    peers,
    prepare: (channelId, name, options) => prepareChaincode({ channels, definitions, chaincodes }, { channelId, name }, options),
    launch: (chaincode, options) => chaincodes.makeReady(chaincode, options),
    report: () => ({
      connections: server.connections,
      channels: channels.list().map(channelReport),
      failedChecks: checks.flatMap((check) => check()),
    }),
    explain: (channelId, txId) => channels.get(channelId)?.ledger.reasonFor(txId),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** Says how the peer is: while its ledgers are being opened, while it runs, while it is being stopped. */
async function startOperations(
  config: PeerConfig,
  { operations, log }: PeerParts,
  { checks, readiness }: { readonly checks: readonly (() => readonly FailedCheck[])[]; readonly readiness: Readiness },
): Promise<OperationsServer | undefined> {
  if (config.operationsAddress === undefined) return undefined;
  return serveOperations({
    address: config.operationsAddress,
    tls: await readOperationsTls(config),
    metrics: operations?.metrics ?? (() => ''),
    logLevels: operations?.logLevels,
    failedChecks: () => checks.flatMap((check) => check()),
    unready: () => readiness.failedChecks(),
    mayBeChaincode,
    version,
    log: log.child({ module: 'operations' }),
    commitSha,
  });
}

const openLedgers = (
  { fileSystemPath, localMspId, ledger }: PeerConfig,
  { log, metrics, onAdvice: advise }: PeerParts,
  changes: StateChanges,
): Promise<FolderLedgerProvider> =>
  FolderLedgerProvider.open({
    root: join(fileSystemPath, 'ledgers'),
    release: () => ledger.release,
    simulator: { totalQueryLimit: ledger.totalQueryLimit },
    lifetimes: definedLifetimes,
    mayHold: heldBy(localMspId),
    onChanged: (channelId, namespaces) => changes.tell(channelId, namespaces),
    transientRetention: ledger.transientRetention,
    purgedKeyAudit: ledger.purgedKeyAudit,
    richQueries: ledger.richQueries
      ? { limits: { total: ledger.totalQueryLimit, internal: ledger.internalQueryLimit }, advise }
      : undefined,
    log: log.child({ module: 'ledger' }),
    metrics,
  });

interface SystemParts {
  readonly channels: ChannelRegistry;
  readonly access: AclProvider;
  readonly lifecycle: ChaincodeLifecycle;
  readonly endorsers: ReadonlySet<string>;
}

/** The system chaincodes that `chaincode.system` switches on. */
function systemChaincodes({ chaincode, localMspId: mspId }: PeerConfig, { channels, access, lifecycle, endorsers }: SystemParts) {
  const joiner = {
    join: async (genesis: Uint8Array): Promise<void> => {
      await channels.join(genesis);
    },
  };
  const { packages, installed, cache } = lifecycle;
  const all = [
    new Lifecycle({ channels, access, mspId, packages: installed, cache }),
    new Lscc({
      channels,
      access,
      packages,
      build: lifecycle.buildLegacy,
      isSystem: isSystemChaincode,
      endorsementPlugins: endorsers,
      validationPlugins: new Set(['vscc']),
    }),
    new Cscc({ channels, access, joiner }),
    new Qscc({ channels, access }),
  ];
  return all.filter(({ name }) => chaincode.system.has(name));
}

interface ChaincodeParts {
  readonly channels: ChannelRegistry;
  readonly access: AclProvider;
  readonly lifecycle: ChaincodeLifecycle;
  readonly runtime: ChaincodeRuntime;
  readonly output: ChaincodeOutput;
  readonly system: ReturnType<typeof systemChaincodes>;
  readonly scope: Scope;
}

/** Chaincode support with its runtime below it and its listener in front of it. */
async function startChaincodes(config: PeerConfig, { log, metrics }: PeerParts, parts: ChaincodeParts): Promise<ChaincodeSupport> {
  const { channels, access, lifecycle, runtime, output, system, scope } = parts;
  const { chaincode } = config;
  const userRunsChaincode = chaincode.mode === 'dev';
  warnOfOpenPort(config, log);
  // Chaincode that the user starts has no certificate of ours, so it is let in without TLS.
  const authority = config.tls === undefined || userRunsChaincode ? undefined : await ChaincodeCa.create(systemClock.now());
  const support = new ChaincodeSupport({
    system,
    channels,
    acl: access,
    definitions: lifecycle.definitions,
    collections: lifecycle.collections,
    runtime,
    output,
    packages: lifecycle.launchable,
    certificates: authority,
    userRunsChaincode,
    peerAddress: config.chaincodeAddress,
    env: chaincodeEnvironment(chaincode),
    replicas: (name) => replicasOf(chaincode.replicas, name),
    drainMs: chaincode.stopGraceMs,
    retireAfterMs: chaincode.retireAfterMs,
    startupTimeoutMs: chaincode.startupTimeoutMs,
    executeTimeoutMs: chaincode.executeTimeoutMs,
    debuggers: debuggersFor(config),
    installTimeoutMs: chaincode.installTimeoutMs,
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
      metrics,
      log: log.child({ module: 'comm' }),
    }),
  );
  return support;
}

const channelReport = (channel: JoinedChannel): LogFields => ({
  channel: channel.id,
  height: channel.ledger.blocks.info().height.toString(),
  halted: channel.halted()?.message,
});

const handlerSettings = ({ handlers }: PeerConfig) => ({
  authFilters: handlers.authFilters,
  decorators: handlers.decorators,
  endorsers: { escc: { name: 'DefaultEndorsement' }, ...Object.fromEntries(handlers.endorsers) },
});
