/** One recorded network as the fixtures describe it: its steps, blocks and chaincode streams, and who is who. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes } from '../../src/common/bytes.ts';
import { channelIdOfBlock } from '../../src/msp/channelconfig/config-block.ts';
import { common, gateway, msp, protos } from '../../src/protos/messages.ts';
import { fixtures, manifest, readFixture, steps } from '../fixtures.ts';

export type Network = 'v1.1' | 'v2.4';

export const NETWORKS: readonly Network[] = ['v1.1', 'v2.4'];

/** One gRPC call of a step, with the names of its messages in the manifest. */
export interface RecordedCall {
  /** `step#n`, for messages. */
  readonly name: string;
  readonly step: string;
  /** Position of the step. */
  readonly at: number;
  readonly method: string;
  readonly target: string;
  readonly txId: string;
  readonly grpcStatus: number;
  readonly grpcMessage: string;
  /** `google.rpc.Status` bytes; empty for none. */
  readonly statusDetails: Uint8Array;
  readonly requests: readonly string[];
  readonly responses: readonly string[];
}

export interface StreamLine {
  /** Milliseconds since the first message of the stream. */
  readonly ms: number;
  readonly dir: 'cc->peer' | 'peer->cc';
  readonly type: string;
  readonly txid: string;
  readonly channel: string;
  readonly step: string | null;
  readonly msg: string;
}

export interface RecordedStream {
  readonly file: string;
  readonly ccid: string;
  /** Position of the peer in {@link Recording.peers}. */
  readonly peer: number;
  readonly lines: readonly StreamLine[];
  /** Whether it was recorded together with `steps.json`, and not in a run of its own. */
  readonly ofSteps: boolean;
}

export interface RecordedPeer {
  readonly target: string;
  readonly mspId: string;
  /** MSP folder, absolute. */
  readonly mspFolder: string;
}

export interface Recording {
  readonly network: Network;
  readonly channelId: string;
  readonly calls: readonly RecordedCall[];
  /** Every block as the peer delivers it, from 0 on. */
  readonly blocks: readonly common.Block[];
  readonly peers: readonly RecordedPeer[];
  readonly streams: readonly RecordedStream[];
  /** Number of the block that holds what a call broadcast, by call; absent where the orderer refused it. */
  readonly blockOf: ReadonlyMap<RecordedCall, number>;
}

export const read = (network: Network, path: string): Uint8Array => readFixture(`${network}/${path}`);

export function recordingOf(network: Network): Recording {
  const calls = callsOf(network);
  const blocks = blocksOf(network, 'peer');
  const [genesis] = blocks;
  if (genesis === undefined) throw new Error(`no blocks of ${network}`);
  return {
    network,
    channelId: channelIdOfBlock(genesis),
    calls,
    blocks,
    peers: peersOf(network, calls),
    streams: streamsOf(network, calls),
    blockOf: ordered(network, calls, blocks),
  };
}

interface StepJson {
  readonly name: string;
  readonly calls?: readonly {
    readonly method: string;
    readonly target: string;
    readonly txid?: string;
    readonly grpcStatus?: number;
    readonly grpcMessage?: string;
    readonly statusDetailsBin?: string;
    readonly request?: readonly string[];
    readonly response?: readonly string[];
  }[];
}

function callsOf(network: Network): RecordedCall[] {
  return (steps(network) as unknown as readonly StepJson[]).flatMap(({ name, calls = [] }, at) =>
    calls.map((call, index) => ({
      name: calls.length === 1 ? name : `${name}#${index + 1}`,
      step: name,
      at,
      method: call.method,
      target: call.target,
      txId: call.txid ?? '',
      grpcStatus: call.grpcStatus ?? 0,
      grpcMessage: call.grpcMessage ?? '',
      statusDetails: Buffer.from(call.statusDetailsBin ?? '', 'base64'),
      requests: (call.request ?? []).map((file) => `calls/${name}/${file}`),
      responses: (call.response ?? []).map((file) => `calls/${name}/${file}`),
    })),
  );
}

/** The recorded blocks of one kind of node, as many as there are. */
export function blocksOf(network: Network, node: 'peer' | 'orderer'): readonly common.Block[] {
  const blocks: common.Block[] = [];
  for (let number = 0; existsSync(join(fixtures ?? '', network, 'blocks', node, `${number}.pb`)); number += 1)
    blocks.push(common.Block.decode(read(network, `blocks/${node}/${number}.pb`)));
  return blocks;
}

/** A peer is known by what it signs with; one that never signed, by the order of the organisations. */
function peersOf(network: Network, calls: readonly RecordedCall[]): readonly RecordedPeer[] {
  const root = join(fixtures ?? '', network, 'crypto', 'peerOrganizations');
  const folders = readdirSync(root)
    .sort()
    .flatMap((org) =>
      readdirSync(join(root, org, 'peers')).map((peer) => join(network, 'crypto/peerOrganizations', org, 'peers', peer, 'msp')),
    );
  const targets = [...new Set(calls.filter(({ method }) => method === PROCESS_PROPOSAL).map(({ target }) => target))].sort();
  return targets.map((target, index) => {
    const endorser = endorserAt(network, calls, target);
    const folder = folders.find((each) => endorser !== undefined && certificateIn(each).equals(endorser.idBytes)) ?? folders[index] ?? '';
    return { target, mspId: endorser?.mspid ?? `Org${index + 1}MSP`, mspFolder: join(fixtures ?? '', folder) };
  });
}

function certificateIn(folder: string): Buffer {
  const [file = ''] = readdirSync(join(fixtures ?? '', folder, 'signcerts'));
  return readFixture(join(folder, 'signcerts', file));
}

function endorserAt(network: Network, calls: readonly RecordedCall[], target: string): msp.SerializedIdentity | undefined {
  for (const call of calls) {
    const [response] = call.responses;
    if (call.method !== PROCESS_PROPOSAL || call.target !== target || response === undefined) continue;
    const { endorsement } = protos.ProposalResponse.decode(read(network, response));
    if (endorsement !== undefined) return msp.SerializedIdentity.decode(endorsement.endorser);
  }
  return undefined;
}

export const PROCESS_PROPOSAL = '/protos.Endorser/ProcessProposal';
export const BROADCAST = '/orderer.AtomicBroadcast/Broadcast';

/** Where each broadcast envelope stands. The same bytes sent twice stand in two places, in that order. */
function ordered(network: Network, calls: readonly RecordedCall[], blocks: readonly common.Block[]): ReadonlyMap<RecordedCall, number> {
  const places = blocks.flatMap((block, number) => (block.data?.data ?? []).map((envelope) => ({ envelope: sentAs(envelope), number })));
  const found = new Map<RecordedCall, number>();
  for (const call of calls) {
    const [request] = call.requests;
    if (request === undefined) continue;
    const sent = sentBy(call.method, read(network, request));
    if (sent === undefined) continue;
    const place = places.findIndex(({ envelope }) => equalBytes(envelope, sent));
    const [taken] = place < 0 ? [] : places.splice(place, 1);
    if (taken !== undefined) found.set(call, taken.number);
  }
  return found;
}

/** The envelope that a call has ordered. A gateway orders the one inside its request. */
function sentBy(method: string, request: Uint8Array): Uint8Array | undefined {
  if (method === BROADCAST) return request;
  if (method !== '/gateway.Gateway/Submit') return undefined;
  const { preparedTransaction } = gateway.SubmitRequest.decode(request);
  return preparedTransaction && common.Envelope.encode(preparedTransaction);
}

/** What a client sent to have this envelope ordered: itself, or for a configuration the update in it. */
function sentAs(bytes: Uint8Array): Uint8Array {
  try {
    const { header, data } = common.Payload.decode(common.Envelope.decode(bytes).payload);
    const { type } = common.ChannelHeader.decode(header?.channelHeader ?? new Uint8Array());
    if (type !== common.HeaderType.CONFIG) return bytes;
    const { lastUpdate } = common.ConfigEnvelope.decode(data);
    return lastUpdate === undefined ? bytes : common.Envelope.encode(lastUpdate);
  } catch {
    return bytes;
  }
}

function streamsOf(network: Network, calls: readonly RecordedCall[]): readonly RecordedStream[] {
  const txIds = new Set(calls.map(({ txId }) => txId));
  return manifest()
    .filter((file) => file.network === network && file.kind === 'chaincode-stream')
    .map(({ file, ...more }) => {
      const lines = readLines<StreamLine>(file);
      const { peer = '' } = more as { readonly peer?: string };
      const transactions = lines.filter(({ txid }) => txid !== '');
      return {
        file,
        ccid: ccidOf(lines),
        peer: Number(/\d+$/.exec(peer)?.[0] ?? 0),
        lines,
        ofSteps: transactions.length > 0 ? transactions.some(({ txid }) => txIds.has(txid)) : !isOfAnotherRun(file),
      };
    });
}

/** A stream without transactions names no step; those of other runs are named after the run. */
const isOfAnotherRun = (file: string): boolean => !/\/\d+-[^/]*$/.test(file);

function ccidOf(lines: readonly StreamLine[]): string {
  const [first] = lines;
  if (first === undefined) throw new Error('an empty recording');
  return protos.ChaincodeID.decode(messageIn(first).payload).name;
}

export const bytesIn = ({ msg }: { readonly msg: string }): Uint8Array => Buffer.from(msg, 'base64');

export const messageIn = (line: StreamLine): protos.ChaincodeMessage => protos.ChaincodeMessage.decode(bytesIn(line));

/** JSON lines of a fixture. */
export const readLines = <T>(path: string): T[] =>
  readFixture(path)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
