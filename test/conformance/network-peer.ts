/** A peer of a recorded network, made of the real parts; its blocks and its chaincodes are the recorded ones. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChaincodeSupport } from '../../src/chaincode/chaincode-support.ts';
import type { ChaincodeRuntime } from '../../src/chaincode/ports/runtime.ts';
import { ChannelRegistry } from '../../src/channel/channel-registry.ts';
import type { JoinedChannel } from '../../src/channel/joined-channel.ts';
import { StateChanges } from '../../src/channel/state-changes.ts';
import type { Method } from '../../src/comm/method.ts';
import { BlockValidator } from '../../src/committer/block-validator.ts';
import { ChannelCommitter } from '../../src/committer/channel-committer.ts';
import { vscc } from '../../src/committer/plugins/vscc.ts';
import type { Clock } from '../../src/common/clock.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { silent } from '../../src/common/log.ts';
import { unmeasured } from '../../src/common/metrics.ts';
import { Scope } from '../../src/common/scope.ts';
import { Endorser } from '../../src/endorser/endorser.ts';
import { DEFAULT_HANDLERS, loadHandlers } from '../../src/endorser/handlers/library.ts';
import { Connections } from '../../src/gateway/connections.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import type { PeerView } from '../../src/gossip/peers.ts';
import type { CommitOutcome } from '../../src/ledger/ledger.ts';
import { FolderLedgerProvider } from '../../src/ledger/ledger-provider.ts';
import { definedLifetimes, heldBy } from '../../src/lifecycle/committed-collections.ts';
import { LegacyCollectionAccess } from '../../src/lifecycle/legacy-collection-access.ts';
import { LegacyDefinitions } from '../../src/lifecycle/legacy-definitions.ts';
import { LifecycleCache } from '../../src/lifecycle/lifecycle-cache.ts';
import { LifecycleCollectionAccess } from '../../src/lifecycle/lifecycle-collections.ts';
import { LifecycleDefinitions } from '../../src/lifecycle/lifecycle-definitions.ts';
import { isSystemChaincode } from '../../src/lifecycle/system-chaincodes.ts';
import { AclProvider } from '../../src/msp/acl-provider.ts';
import { bundleFromBlock, validateConfigEnvelope } from '../../src/msp/channelconfig/bundle.ts';
import { SignatureVerifier } from '../../src/msp/identities/signature-verifier.ts';
import { loadLocalMsp } from '../../src/msp/local-msp.ts';
import { InstalledPackages } from '../../src/packages/installed-packages.ts';
import { LifecyclePackageStore } from '../../src/packages/lifecycle-store.ts';
import { PackageStore } from '../../src/packages/package-store.ts';
import type { PrivateDataDistributor } from '../../src/privdata/ports/private-writes.ts';
import { Cscc } from '../../src/scc/cscc.ts';
import { Lifecycle } from '../../src/scc/lifecycle/lifecycle.ts';
import { Lscc } from '../../src/scc/lscc/lscc.ts';
import { Qscc } from '../../src/scc/qscc.ts';
import { endorserService } from '../../src/services/endorser-service.ts';
import { gatewayService } from '../../src/services/gateway-service.ts';
import { peerDeliverService } from '../../src/services/peer-deliver-service.ts';
import { readYaml } from '../recorded-networks.ts';
import type { RecordedPeer, Recording } from './recording.ts';
import { SteppedSource } from './stepped-source.ts';

/** What the releases do differently and a configuration decides. */
const RELEASE = {
  'v1.1': { ledger: '1.1', msp: '1.1', dialect: '1.1', systemVersion: 'development build' },
  'v2.4': { ledger: '2.x', msp: '1.4.3', dialect: '2.x', systemVersion: 'syscc' },
} as const;

const STARTUP_TIMEOUT_MS = 30_000;

export interface NetworkPeerParts {
  readonly recording: Recording;
  readonly member: RecordedPeer;
  readonly clock: Clock;
  /** The ids of the queries that come next. */
  readonly queryIds: string[];
  readonly privateData: PrivateDataDistributor;
  /** How long the call that is next may take. */
  readonly executeTimeoutMs: () => number;
}

export interface NetworkPeer extends AsyncDisposable {
  readonly member: RecordedPeer;
  readonly support: ChaincodeSupport;
  readonly methods: ReadonlyMap<string, Method>;
  /** The recorded channel, once joined. */
  channel(): JoinedChannel | undefined;
  /** Blocks committed so far; 0 before the channel is joined. */
  height(): number;
  /** Commits recorded blocks until there are that many. */
  advance(height: number): Promise<void>;
  /** The folder of the recorded channel's ledger. */
  readonly ledgerFolder: string;
  /** What became of each block that was committed. */
  readonly outcomes: readonly CommitOutcome[];
  /** Closes the ledgers; their folder stays until the peer is disposed. */
  stop(): Promise<void>;
}

export async function startNetworkPeer(parts: NetworkPeerParts): Promise<NetworkPeer> {
  const { recording, member, clock, queryIds, privateData, executeTimeoutMs } = parts;
  const release = RELEASE[recording.network];
  await using starting = new Scope();
  const folder = await mkdtemp(join(tmpdir(), 'selvage-conformance-'));
  starting.defer(() => rm(folder, { recursive: true, force: true }));
  const running = starting.use(new Scope());
  const verifier = new SignatureVerifier();
  const local = await loadLocalMsp(member.mspFolder, { mspId: member.mspId, verifier, clock, version: release.msp, readYaml });
  const changes = new StateChanges();
  const ledgers = running.use(
    await FolderLedgerProvider.open({
      root: folder,
      release: () => release.ledger,
      lifetimes: definedLifetimes,
      mayHold: heldBy(member.mspId),
      onChanged: (channelId, namespaces) => changes.tell(channelId, namespaces),
    }),
  );
  const channels = running.use(
    await ChannelRegistry.open({
      ledgers,
      bundleFromBlock: (block) => bundleFromBlock(block, { verifier, dialect: release.dialect }),
      log: silent,
    }),
  );
  const commits = new Commits({ recording, channels, verifier, scope: running });
  const access = new AclProvider({ localMsp: local.msp });
  const packages = new PackageStore({ directory: join(folder, 'chaincodes'), texts: '1.1' });
  const legacy = new LegacyDefinitions({ packages, texts: '1.1' });
  const installed = await InstalledPackages.open({
    store: new LifecyclePackageStore({ directory: join(folder, 'lifecycle', 'chaincodes') }),
    builder: recordedBuilders,
  });
  const cache = new LifecycleCache({ channels, mspId: member.mspId, packages: installed });
  running.use(changes.listen((channelId, namespaces) => LifecycleCache.concerns(namespaces) && cache.forget(channelId)));
  const definitions = new LifecycleDefinitions({ channels, cache, legacy, userRunsChaincode: false });
  const handlers = await loadHandlers(DEFAULT_HANDLERS, { clock, channels });
  const system = [
    ...(recording.network === 'v1.1' ? [] : [new Lifecycle({ channels, access, mspId: member.mspId, packages: installed, cache })]),
    new Lscc({
      channels,
      access,
      packages,
      isSystem: isSystemChaincode,
      endorsementPlugins: new Set(handlers.endorsements.keys()),
      validationPlugins: new Set(['vscc']),
    }),
    new Cscc({ channels, access, joiner: { join: async (genesis) => void (await channels.join(genesis)) } }),
    new Qscc({ channels, access }),
  ];
  const support = running.use(
    new ChaincodeSupport({
      system,
      channels,
      acl: access,
      definitions,
      collections: new LifecycleCollectionAccess({ channels, legacy: new LegacyCollectionAccess(channels) }),
      runtime: noRuntime,
      packages: { load: () => Promise.reject(new Error('the recorded peers ran in development mode')) },
      userRunsChaincode: true,
      peerAddress: 'localhost:7052',
      startupTimeoutMs: STARTUP_TIMEOUT_MS,
      get executeTimeoutMs() {
        return executeTimeoutMs();
      },
      totalQueryLimit: 10_000,
      newId: () => queryIds.shift() ?? crypto.randomUUID(),
      clock,
    }),
  );
  const endorser = new Endorser({
    channels,
    localMsp: local.msp,
    access,
    signer: local.signer,
    chaincodes: support,
    definitions,
    systemChaincodes: system,
    handlers,
    privateData,
    options: { systemVersion: release.systemVersion, ignoreInitStatus: true },
  });
  const deliver = peerDeliverService({
    channels,
    acl: access,
    timeWindowMs: 15 * 60_000,
    mutualTls: false,
    concurrency: 2_500,
    log: silent,
    clock,
  });
  const gateway = gatewayService(
    new Gateway({
      channels,
      access,
      peers: aloneWith(RECORDED_ADDRESS, member.mspId, channels),
      planner: { plan: async () => Promise.reject(new Error('the recorded clients name the organisations')) },
      local: endorser,
      mspId: member.mspId,
      isSystem: isSystemChaincode,
      connections: running.use(new Connections({ tls: undefined, dialTimeoutMs: STARTUP_TIMEOUT_MS })),
      overrides: new Map(),
      endorsementTimeoutMs: STARTUP_TIMEOUT_MS,
      broadcastTimeoutMs: STARTUP_TIMEOUT_MS,
    }),
    { concurrency: 500 },
  );
  const owned = starting.move();
  return {
    member,
    support,
    methods: new Map([...endorserService(endorser), ...deliver, ...gateway].map((method) => [method.path, method])),
    channel: () => channels.get(recording.channelId),
    height: () => Number(channels.get(recording.channelId)?.ledger.blocks.info().height ?? 0n),
    advance: (height) => commits.advance(height),
    ledgerFolder: join(folder, 'channels', recording.channelId),
    outcomes: commits.outcomes,
    stop: () => running[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** Where the recorded peer was reached that has a gateway. */
const RECORDED_ADDRESS = '127.0.0.1:25051';
const RECORDED_CHAINCODES = ['kv24', 'kv24r', 'asset24'] as const;

/** A peer that knows of nobody but itself, and has all recorded chaincodes. */
function aloneWith(endpoint: string, mspId: string, channels: ChannelRegistry): PeerView {
  const unsigned = { payload: new Uint8Array(), signature: new Uint8Array() };
  const self = {
    pkiId: new Uint8Array(32),
    mspId,
    identity: new Uint8Array(),
    endpoint,
    internalEndpoint: endpoint,
    alive: unsigned,
    self: true,
  };
  const chaincodes = RECORDED_CHAINCODES.map((name) => ({ name, version: '1' }));
  return {
    members: () => [self],
    membersOf: (id) => {
      const channel = channels.get(id);
      return channel === undefined ? [] : [{ ...self, stateInfo: unsigned, height: channel.feed.height, chaincodes }];
    },
    organizations: () => [mspId],
    onChanged: () => ({ [Symbol.dispose]: () => undefined }),
  };
}

const noRuntime = {
  name: 'none',
  build: () => Promise.reject(new Error('the recorded peers ran in development mode')),
  launch: () => Promise.reject(new Error('the recorded peers ran in development mode')),
  [Symbol.asyncDispose]: async () => undefined,
};

/** The recorded 2.x peers had external builders for two types of packages, and no Docker for the others. */
const recordedBuilders: Pick<ChaincodeRuntime, 'build'> = {
  async build({ platform }) {
    if (!['ccaas', 'local'].includes(platform))
      throw new SelvageError('CHAINCODE_BUILD_FAILED', `no builder takes packages of type ${platform}`);
  },
};

interface CommitsParts {
  readonly recording: Recording;
  readonly channels: ChannelRegistry;
  readonly verifier: SignatureVerifier;
  readonly scope: Scope;
}

/** Follows the recorded channel as a peer does, a step at a time. */
class Commits {
  readonly #source: SteppedSource;
  readonly #channels: ChannelRegistry;
  readonly #channelId: string;
  #committer: ChannelCommitter | undefined;
  readonly outcomes: CommitOutcome[] = [];
  #committed: () => void = () => undefined;

  constructor({ recording, channels, verifier, scope }: CommitsParts) {
    this.#source = new SteppedSource(recording.blocks.map(withoutFlags));
    this.#channels = channels;
    this.#channelId = recording.channelId;
    const validator = new BlockValidator({
      plugins: new Map([['vscc', vscc]]),
      applyConfig: (bundle, envelope) =>
        validateConfigEnvelope(bundle, envelope, { verifier, dialect: RELEASE[recording.network].dialect }),
    });
    const joined = channels.onJoined((channel) => {
      if (channel.id !== this.#channelId) return;
      const heard = channel.feed.listen(({ block: { block, number: blockNumber, codes: flags }, reasons }) => {
        this.outcomes.push({ blockNumber, block, flags, reasons });
        this.#committed();
      });
      scope.use(heard);
      this.#committer = scope.use(new ChannelCommitter({ channel, source: this.#source, validator, log: silent, metrics: unmeasured }));
      this.#committer.start();
    });
    scope.use(joined);
  }

  async advance(height: number): Promise<void> {
    const committer = this.#committer;
    const wanted = height - 1; // the first block came with the joining
    if (committer === undefined || this.outcomes.length >= wanted) return;
    const reached = new Promise<void>((resolve) => {
      this.#committed = () => this.outcomes.length >= wanted && resolve();
    });
    this.#source.allow(height);
    await Promise.race([reached, committer.ended()]);
    const halted = this.#channels.get(this.#channelId)?.halted();
    if (halted !== undefined) throw halted;
  }
}

/** As it came from the ordering service: without what the recorded peer added. */
function withoutFlags(block: Recording['blocks'][number]): Recording['blocks'][number] {
  const metadata = (block.metadata?.metadata ?? []).map((value, slot) => (ADDED_BY_PEER.has(slot) ? new Uint8Array() : value));
  return { ...block, metadata: { metadata } };
}

/** TRANSACTIONS_FILTER and COMMIT_HASH. */
const ADDED_BY_PEER: ReadonlySet<number> = new Set([2, 4]);
