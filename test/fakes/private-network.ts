/** Peers of several organisations with real certificates, ledgers and policies, that give each other private data in one process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommittedBlock } from '../../src/channel/committed-block.ts';
import { JoinedChannel } from '../../src/channel/joined-channel.ts';
import { privateNeeds } from '../../src/committer/private-needs.ts';
import { hex, utf8 } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import type { LogFields, Logger } from '../../src/common/log.ts';
import { unmeasured } from '../../src/common/metrics.ts';
import { Scope } from '../../src/common/scope.ts';
import type { Neighbour } from '../../src/gossip/links.ts';
import type { ChannelMember, Member, PeerView } from '../../src/gossip/peers.ts';
import type { PrivateDataExchange } from '../../src/gossip/private-exchange.ts';
import { pkiIdOf } from '../../src/gossip/wire/ids.ts';
import { configTransaction } from '../../src/ledger/commit/test-block.contract.ts';
import { readTransaction } from '../../src/ledger/commit/transaction.ts';
import { FolderLedgerProvider } from '../../src/ledger/ledger-provider.ts';
import { privateNamespace } from '../../src/ledger/simulator/private-namespaces.ts';
import type { TxSimulator } from '../../src/ledger/simulator/tx-simulator.ts';
import { definedLifetimes, heldBy } from '../../src/lifecycle/committed-collections.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import type { LocalSigner } from '../../src/msp/identities/local-signer.ts';
import type { Organization } from '../../src/msp/material/organization.ts';
import { signedByAnyOf } from '../../src/msp/policies/common-policies.ts';
import { Collector } from '../../src/privdata/collector.ts';
import { MemberDistributor } from '../../src/privdata/member-distributor.ts';
import { Puller } from '../../src/privdata/puller.ts';
import { Receiver, type ReceiverParts } from '../../src/privdata/receiver.ts';
import { Reconciler } from '../../src/privdata/reconciler.ts';
import { Responder } from '../../src/privdata/responder.ts';
import { DEFAULT_SETTINGS, type PrivateDataSettings } from '../../src/privdata/settings.ts';
import { blockDataHash } from '../../src/protos/hashes.ts';
import { common, protos } from '../../src/protos/messages.ts';
import { FakeTimers } from './fake-timers.ts';
import { channelOf, peerSigner, peersOf } from './gossip-peers.ts';
import { ProcessNeighbourhood } from './process-neighbourhood.ts';

export const CHANNEL = 'small';

export interface CollectionSpec {
  readonly name: string;
  readonly members: readonly string[];
  readonly required?: number;
  readonly maximum?: number;
  readonly blockToLive?: bigint;
}

/** A transaction as some peer endorsed it. */
export interface Endorsed {
  readonly txId: string;
  readonly envelope: Uint8Array;
}

export interface PeerSpec {
  /** Of the organisations, and of its peers. */
  readonly org: number;
  readonly at?: number;
  readonly settings?: Partial<PrivateDataSettings>;
  readonly budget?: ReceiverParts['budget'];
}

const blockOf = (number: bigint, previousHash: Uint8Array, data: readonly Uint8Array[]): common.Block => ({
  header: { number, previousHash, dataHash: blockDataHash({ data }) },
  data: { data },
  metadata: { metadata: [] },
});

/** What was logged, the message first. */
export class Lines implements Logger {
  readonly all: { readonly level: string; readonly message: string; readonly fields: LogFields }[] = [];
  #line =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      void this.all.push({ level, message, fields });
  debug = this.#line('debug');
  info = this.#line('info');
  warn = this.#line('warn');
  error = this.#line('error');
  child = (): Logger => this;
  /** Those that somebody sees. */
  get told(): readonly string[] {
    return this.all.filter(({ level }) => level !== 'debug').map(({ level, message }) => `${level} ${message}`);
  }
}

/** Made once: certificates take their time. */
const organizations = new Map<string, ReturnType<typeof makeOrganizations>>();

async function makeOrganizations(orgs: number, peers: number) {
  const made = await Promise.all(Array.from({ length: orgs }, (_, at) => peersOf(`Org${at + 1}`, peers)));
  return { orgs: made, bundle: await channelOf(made) };
}

/** One channel and its ordered blocks. */
export class PrivateNetwork implements AsyncDisposable {
  readonly orgs: readonly Organization[];
  readonly bundle: ChannelBundle;
  readonly blocks: common.Block[] = [];
  readonly peers: PrivatePeer[] = [];
  readonly neighbourhood = new ProcessNeighbourhood();
  readonly root: string;
  /** Peers that say nothing, by their PKI ids. */
  readonly mute = new Set<string>();
  readonly #scope = new Scope();

  private constructor(root: string, orgs: readonly Organization[], bundle: ChannelBundle) {
    this.root = root;
    this.orgs = orgs;
    this.bundle = bundle;
    const config = configTransaction(common.ConfigEnvelope.encode({ config: { sequence: 1n } }));
    this.blocks.push(blockOf(0n, new Uint8Array(0), [config]));
  }

  /** Organisations `Org1MSP` …, each with so many peers' identities. */
  static async open(orgs = 3, peers = 2): Promise<PrivateNetwork> {
    const id = `${orgs} ${peers}`;
    const made = organizations.get(id) ?? makeOrganizations(orgs, peers);
    organizations.set(id, made);
    const root = await mkdtemp(join(tmpdir(), 'selvage-private-'));
    return new PrivateNetwork(root, (await made).orgs, (await made).bundle);
  }

  async join({ org, at = 0, ...spec }: PeerSpec): Promise<PrivatePeer> {
    const organization = this.orgs[org];
    if (organization === undefined) throw new Error(`no organisation ${org}`);
    const peer = this.#scope.use(await PrivatePeer.open(this, { signer: peerSigner(organization, at), ...spec }));
    this.peers.push(peer);
    return peer;
  }

  /** Orders a block and has it committed by these peers; the others may do so later. */
  async order(endorsed: readonly Endorsed[], { by = this.peers, codes = [] as readonly number[] } = {}): Promise<void> {
    const [peer] = by;
    const previous = peer?.ledger.blocks.info().currentBlockHash ?? new Uint8Array(0);
    const data = endorsed.map(({ envelope }) => envelope);
    this.#codes.set(BigInt(this.blocks.length), codes);
    this.blocks.push(blockOf(BigInt(this.blocks.length), previous, data));
    for (const each of by) await each.catchUp();
  }

  readonly #codes = new Map<bigint, readonly number[]>();

  codesOf({ header, data }: common.Block): Uint8Array {
    const codes = this.#codes.get(header?.number ?? 0n) ?? [];
    return Uint8Array.from(data?.data ?? [], (_, index) => codes[index] ?? protos.TxValidationCode.VALID);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    await rm(this.root, { recursive: true, force: true });
  }
}

export class PrivatePeer implements AsyncDisposable {
  readonly network: PrivateNetwork;
  readonly signer: LocalSigner;
  readonly channel: JoinedChannel;
  readonly lines = new Lines();
  readonly timers = new FakeTimers();
  readonly distributor: MemberDistributor;
  readonly receiver: Receiver;
  readonly responder: Responder;
  readonly collector: Collector;
  readonly reconciler: Reconciler;
  readonly neighbour: Neighbour;
  /** Called between two rounds of asking. */
  onPause: () => Promise<void> | void = () => undefined;
  /** What it says of itself instead of the truth. */
  claims: { height?: bigint } = {};
  /** Members that it was given data for, and asked. */
  readonly pulls: { readonly to: string; readonly digests: number }[] = [];
  #exchange: PrivateDataExchange;
  readonly #scope: Scope;

  private constructor(network: PrivateNetwork, channel: JoinedChannel, { signer, settings = {}, budget }: OpenSpec, scope: Scope) {
    this.network = network;
    this.channel = channel;
    this.signer = signer;
    this.#scope = scope;
    const hello = utf8('hello');
    const { mspId, serialized: identity } = signer;
    this.neighbour = { pkiId: pkiIdOf(identity), mspId, identity, handshake: { payload: hello, signature: signer.sign(hello) } };
    const { peers, exchange } = scope.use(network.neighbourhood.join(this.#alone(), signer));
    this.#exchange = exchange;
    const all = { ...DEFAULT_SETTINGS, ...settings };
    const channels = { get: (id: string) => (id === CHANNEL ? channel : undefined), list: () => [channel] };
    const shared = { channels, channel, peers, mspId, settings: all, metrics: unmeasured, log: this.lines };
    const through: PrivateDataExchange = {
      push: async (...told) => {
        checkAnswers(network, told[0]);
        await this.#exchange.push(...told);
      },
      pull: async (...told) => {
        const [to, , digests] = told;
        this.pulls.push({ to: to.mspId, digests: digests.length });
        checkAnswers(network, to);
        return this.#exchange.pull(...told);
      },
      serve: (handler) => this.#exchange.serve(handler),
    };
    this.distributor = new MemberDistributor({ ...shared, exchange: through });
    this.receiver = scope.use(new Receiver({ ...shared, retention: 1000n, ...(budget && { budget }) }));
    this.receiver.follow(channel);
    this.responder = new Responder(shared);
    this.answer();
    const puller = new Puller({ ...shared, channelId: CHANNEL, exchange: through, btlPullMargin: all.btlPullMargin });
    this.collector = new Collector({ ...shared, puller, pause: async (_ms, signal) => this.#pause(signal) });
    this.reconciler = scope.use(new Reconciler({ ...shared, puller, timers: this.timers }));
  }

  static async open(network: PrivateNetwork, spec: OpenSpec): Promise<PrivatePeer> {
    await using scope = new Scope();
    const root = join(network.root, hex(pkiIdOf(spec.signer.serialized)));
    const ledgers = scope.use(await FolderLedgerProvider.open({ root, lifetimes: definedLifetimes, mayHold: heldBy(spec.signer.mspId) }));
    const [genesis] = network.blocks;
    if (genesis === undefined) throw new Error('no genesis block');
    const ledger = ledgers.list().includes(CHANNEL) ? await ledgers.open(CHANNEL) : await ledgers.create(CHANNEL, genesis);
    const channel = scope.use(new JoinedChannel({ ledger, bundle: network.bundle }));
    return new PrivatePeer(network, channel, spec, scope.move());
  }

  get ledger() {
    return this.channel.ledger;
  }

  get mspId(): string {
    return this.signer.mspId;
  }

  #pause(signal: AbortSignal): Promise<void> | void {
    signal.throwIfAborted();
    return this.onPause();
  }

  #serving: Disposable = { [Symbol.dispose]: () => undefined };

  /** Answers others, honestly unless told. */
  answer(changed: Partial<Parameters<PrivateDataExchange['serve']>[0]> = {}): void {
    this.network.mute.delete(hex(this.neighbour.pkiId));
    this.#serving[Symbol.dispose]();
    const { receiver, responder } = this;
    this.#serving = this.#exchange.serve({
      received: (...told) => receiver.received(...told),
      asked: (...told) => responder.asked(...told),
      ...changed,
    });
  }

  /** Says nothing any more: whoever waits for it has done so in vain. */
  mute(): void {
    this.network.mute.add(hex(this.neighbour.pkiId));
  }

  member(): ChannelMember {
    const { mspId, serialized: identity } = this.signer;
    const height = this.claims.height ?? this.ledger.blocks.info().height;
    const payload = utf8(`${mspId} ${height}`);
    const nothing = { payload: new Uint8Array(0), signature: new Uint8Array(0) };
    return {
      pkiId: this.neighbour.pkiId,
      mspId,
      identity,
      endpoint: `${mspId}:7051`,
      internalEndpoint: undefined,
      alive: nothing,
      self: true,
      stateInfo: { payload, signature: this.signer.sign(payload) },
      height,
      chaincodes: [],
    };
  }

  #alone(): PeerView {
    return {
      members: () => [this.member()],
      membersOf: (id) => (id === CHANNEL ? [this.member()] : []),
      organizations: () => [this.mspId],
      onChanged: () => ({ [Symbol.dispose]: () => undefined }),
    };
  }

  /** Runs and endorses; private writes go to members. */
  async endorse(txId: string, work: (simulator: TxSimulator) => unknown): Promise<Endorsed> {
    await using simulator = await this.ledger.simulate(txId);
    await work(simulator);
    const { publicRwset, privateRwset, privateCollections } = await simulator.result();
    if (privateRwset !== undefined)
      await this.distributor.distribute({ channel: this.channel, txId, rwset: privateRwset, collections: privateCollections });
    return { txId, envelope: envelopeOf(txId, publicRwset, this.signer.serialized) };
  }

  /** Defines the collections of `cc`, in the manner of the legacy lifecycle. */
  define(txId: string, specs: readonly CollectionSpec[]): Promise<Endorsed> {
    const config = specs.map(({ name, members, required, maximum, blockToLive }) => ({
      staticCollectionConfig: {
        name,
        memberOrgsPolicy: { signaturePolicy: signedByAnyOf(members, 'MEMBER') },
        requiredPeerCount: required,
        maximumPeerCount: maximum,
        blockToLive,
      },
    }));
    return this.endorse(txId, (simulator) =>
      simulator.putState('lscc', 'cc~collection', protos.CollectionConfigPackage.encode({ config })),
    );
  }

  /** Commits what was ordered. */
  async catchUp(): Promise<void> {
    const { network, ledger, collector, channel } = this;
    for (const block of network.blocks.slice(Number(ledger.blocks.info().height))) {
      const flags = network.codesOf(block);
      const transactions = (block.data?.data ?? []).map((bytes) => readTransaction(bytes).transaction);
      const validated = { block, flags, reasons: [], transactions, keepsInvalid: true };
      const privateData = await collector.collect(privateNeeds(validated, { invalid: true }), new AbortController().signal);
      const outcome = await ledger.commit({ ...validated, privateData });
      channel.feed.announce({ block: new CommittedBlock(CHANNEL, outcome.block), reasons: [] });
    }
  }

  async plain(collection: string, key: string): Promise<string | undefined> {
    using snapshot = this.ledger.snapshot();
    const found = await snapshot.get(privateNamespace('cc', collection), key);
    return found && Buffer.from(found.value).toString('utf8');
  }

  async missing(why: Parameters<PrivatePeer['ledger']['privateData']['missing']>[0] = 'eligible'): Promise<string[]> {
    const names = await this.ledger.privateData.missing(why, { blocks: 1000 });
    return names.map(({ blockNum, index, collection }) => `${blockNum}.${index} ${collection}`);
  }

  reconcile(): Promise<void> {
    return this.reconciler.cycle(new AbortController().signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }
}

function checkAnswers({ mute }: PrivateNetwork, { pkiId }: Member): void {
  if (mute.has(hex(pkiId))) throw new SelvageError('DEADLINE_EXCEEDED', 'timed out');
}

interface OpenSpec extends Pick<PeerSpec, 'settings' | 'budget'> {
  readonly signer: LocalSigner;
}

export const put =
  (collection: string, key: string, value: string) =>
  (simulator: TxSimulator): void =>
    simulator.putPrivateData('cc', collection, key, utf8(value));

function envelopeOf(txId: string, results: Uint8Array, endorser: Uint8Array): Uint8Array {
  const proposalResponsePayload = protos.ProposalResponsePayload.encode({
    extension: protos.ChaincodeAction.encode({ results, response: { status: 200 } }),
  });
  const payload = protos.ChaincodeActionPayload.encode({ action: { proposalResponsePayload, endorsements: [{ endorser }] } });
  return common.Envelope.encode({
    payload: common.Payload.encode({
      header: {
        channelHeader: common.ChannelHeader.encode({ type: common.HeaderType.ENDORSER_TRANSACTION, txId, channelId: CHANNEL }),
      },
      data: protos.Transaction.encode({ actions: [{ payload }] }),
    }),
  });
}
