/** A gateway on one open channel `ch` with peers and orderers of its own, each a gRPC server that does what a test says. */
import { listen } from '../../src/comm/server.ts';
import { utf8 } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { silent } from '../../src/common/log.ts';
import { Scope } from '../../src/common/scope.ts';
import type { EndorsementPlanner } from '../../src/discovery/endorsement-plan.ts';
import { Connections } from '../../src/gateway/connections.ts';
import { Gateway, type GatewayParts } from '../../src/gateway/gateway.ts';
import type { ChannelMember, PeerView } from '../../src/gossip/peers.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import { common, gateway, orderer, protos } from '../../src/protos/messages.ts';
import { allowAll } from './open-endorser.ts';
import { openBundle, type ProposalParts, proposal } from './proposals.ts';
import { channelsOf, memoryChannel } from './recorded-channel.ts';

export type Answer = (signed: protos.SignedProposal) => Promise<protos.ProposalResponseInit> | protos.ProposalResponseInit;

export interface FakePeer {
  readonly name: string;
  /** Org1MSP unless told. */
  readonly mspId?: string;
  readonly height?: bigint;
  /** `cc` unless told. */
  readonly chaincodes?: readonly string[];
  /** This peer itself. */
  readonly self?: boolean;
  /** Nobody knows where it is. */
  readonly hidden?: boolean;
  /** Endorses unless told. */
  readonly answer?: Answer;
}

export type OrdererAnswer = { readonly status: number; readonly info?: string } | 'silence' | 'end';

export interface SmallGatewayOptions {
  readonly peers?: readonly FakePeer[];
  readonly planner?: EndorsementPlanner;
  readonly orderers?: readonly (() => OrdererAnswer)[];
  readonly consensusType?: string;
  readonly bundle?: Partial<ChannelBundle>;
  readonly parts?: Partial<GatewayParts>;
}

export interface SmallGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly channel: ReturnType<typeof memoryChannel>;
  readonly connections: Connections;
  /** By name. */
  readonly members: ReadonlyMap<string, ChannelMember>;
  /** Names of the peers that were asked, in order. */
  readonly asked: string[];
  /** `host:port` of the orderers, and which were given something, by their place. */
  readonly orderers: readonly string[];
  readonly ordered: number[];
}

export async function smallGateway({ peers = [], orderers = [], ...options }: SmallGatewayOptions = {}): Promise<SmallGateway> {
  await using scope = new Scope();
  const asked: string[] = [];
  const ordered: number[] = [];
  const members = new Map<string, ChannelMember>();
  for (const peer of peers) members.set(peer.name, memberOf(peer, await servePeer(peer, asked, scope)));
  const addresses: string[] = [];
  for (const [at, answer] of orderers.entries()) addresses.push(await serveOrderer(at, answer, ordered, scope));
  const bundle: ChannelBundle = {
    ...openBundle('ch'),
    ordererEndpoints: addresses.map((address) => ({ address, tlsRoots: [] })),
    orderer: ordererConfig(options.consensusType ?? 'etcdraft', addresses),
    ...options.bundle,
  };
  const channel = memoryChannel(bundle);
  const view: Pick<PeerView, 'membersOf'> = { membersOf: (id) => (id === 'ch' ? [...members.values()] : []) };
  const connections = scope.use(new Connections({ tls: undefined, dialTimeoutMs: 200_000 }));
  const self = peers.find((peer) => peer.self === true);
  const made = new Gateway({
    channels: channelsOf(channel),
    access: allowAll,
    peers: view as PeerView,
    planner: options.planner ?? { plan: () => Promise.reject(new SelvageError('NOT_FOUND', 'no plan in this test')) },
    local: {
      processProposal: async (signed) => {
        asked.push(self?.name ?? '');
        return (self?.answer ?? endorses(self?.name ?? ''))(signed);
      },
    },
    mspId: 'Org1MSP',
    isSystem: (name) => name === 'qscc',
    connections,
    overrides: new Map(),
    endorsementTimeoutMs: 200_000,
    broadcastTimeoutMs: 200_000,
    ...options.parts,
  });
  const owned = scope.move();
  return {
    gateway: made,
    channel,
    connections,
    members,
    asked,
    orderers: addresses,
    ordered,
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

async function servePeer({ self = false, hidden = false, name, answer = endorses(name) }: FakePeer, asked: string[], scope: Scope) {
  if (self) return 'peer0.example.com:7051';
  if (hidden) return '';
  const handle = async (request: Uint8Array): Promise<Uint8Array> => {
    asked.push(name);
    return protos.ProposalResponse.encode(await answer(protos.SignedProposal.decode(request)));
  };
  const methods = [{ kind: 'unary', path: '/protos.Endorser/ProcessProposal', handle }] as const;
  return `127.0.0.1:${scope.use(await listen({ address: '127.0.0.1:0', methods, log: silent })).port}`;
}

async function serveOrderer(at: number, answer: () => OrdererAnswer, ordered: number[], scope: Scope): Promise<string> {
  const server = await listen({
    address: '127.0.0.1:0',
    log: silent,
    methods: [
      {
        kind: 'bidi',
        path: '/orderer.AtomicBroadcast/Broadcast',
        handle: async (stream, { signal }) => {
          for await (const bytes of stream.incoming) {
            common.Envelope.decode(bytes);
            ordered.push(at);
            const said = answer();
            if (said === 'end') return;
            if (said !== 'silence') await stream.send(orderer.BroadcastResponse.encode(said));
            else await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          }
        },
      },
    ],
  });
  scope.use(server);
  return `127.0.0.1:${server.port}`;
}

const ordererConfig = (consensusType: string, endpoints: readonly string[]): NonNullable<ChannelBundle['orderer']> => ({
  consensusType,
  batchSize: { maxMessageCount: 1, absoluteMaxBytes: 1, preferredMaxBytes: 1 },
  batchTimeoutMs: 1,
  capabilityLevel: '',
  expirationCheck: false,
  maintenance: false,
  consenters: [],
  orgs: [{ name: 'Orderers', mspId: 'OrdererMSP', endpoints, tlsRoots: [] }],
});

function memberOf(peer: FakePeer, endpoint: string): ChannelMember {
  const { name, mspId = 'Org1MSP', height = 5n, chaincodes = ['cc'], self = false } = peer;
  const unsigned = { payload: new Uint8Array(), signature: new Uint8Array() };
  return {
    pkiId: utf8(name),
    mspId,
    identity: new Uint8Array(),
    endpoint,
    internalEndpoint: undefined,
    alive: unsigned,
    stateInfo: unsigned,
    self,
    height,
    chaincodes: chaincodes.map((each) => ({ name: each, version: '1' })),
  };
}

export interface EndorsementParts {
  readonly result?: string;
  readonly results?: Uint8Array;
  readonly interest?: protos.ChaincodeInterestInit;
  readonly status?: number;
}

/** An answer with an endorsement of that name; equal parts make equal payloads. */
export const endorses =
  (name: string, { result = 'done', results, interest, status = 200 }: EndorsementParts = {}): Answer =>
  () => {
    const response = { status, payload: utf8(result) };
    const extension = protos.ChaincodeAction.encode({ response, results });
    const payload = protos.ProposalResponsePayload.encode({ extension });
    return { version: 1, response, payload, interest, endorsement: { endorser: utf8(name), signature: utf8(`by ${name}`) } };
  };

export const answers =
  (status: number, message: string, payload?: Uint8Array): Answer =>
  () => ({ response: { status, message }, payload });

export const refuses =
  (code: 'PROPOSAL_REFUSED' | 'PEER_UNREACHABLE' | 'OVERLOADED' | 'ACCESS_DENIED', message: string): Answer =>
  () =>
    Promise.reject(new SelvageError(code, message));

/** A proposal of chaincode `cc` on channel `ch`, but for the parts that are given. */
export function proposed({
  chaincode = 'cc',
  transient,
  ...parts
}: ProposalParts & { readonly transient?: string } = {}): protos.SignedProposal {
  const input = protos.ChaincodeInvocationSpec.encode({
    chaincodeSpec: { chaincodeId: { name: chaincode }, input: { args: [utf8('fn')] } },
  });
  const transientMap = transient === undefined ? undefined : new Map([['secret', utf8(transient)]]);
  return proposal({ chaincode, payload: protos.ChaincodeProposalPayload.encode({ input, transientMap }), ...parts });
}

/** What a failure says of each node: `name or address: message`. */
export const detailsOf = (thrown: unknown): string[] =>
  SelvageError.from(thrown).statusDetails.map(({ typeUrl, value }) => {
    const { address, mspId, message } = gateway.ErrorDetail.decode(value);
    if (typeUrl !== 'type.googleapis.com/gateway.ErrorDetail') throw new Error(`a detail of type ${typeUrl}`);
    return `${address} (${mspId}): ${message}`;
  });
