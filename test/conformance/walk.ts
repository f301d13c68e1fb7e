/** Lives a recorded network again: every step in order, each call answered by our peers at the state it was made on. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallContext } from '../../src/comm/method.ts';
import { Scope } from '../../src/common/scope.ts';
import { common } from '../../src/protos/messages.ts';
import { judge, type Outcome, outcomeOf, recordedReply, type Verdict } from './expectation.ts';
import { type NetworkPeer, startNetworkPeer } from './network-peer.ts';
import { PrivateDataSharing } from './private-data-sharing.ts';
import { type Heard, RecordedChaincode } from './recorded-chaincode.ts';
import { RecordedClock } from './recorded-clock.ts';
import { RecordedDeliver } from './recorded-deliver.ts';
import { answersOf, ENDORSE, heightOf, isGatewayCall, isOfTheSetting, judgeGateway } from './recorded-gateway.ts';
import {
  type Network,
  PROCESS_PROPOSAL,
  type RecordedCall,
  type RecordedPeer,
  type RecordedStream,
  type Recording,
  read,
  recordingOf,
} from './recording.ts';
import { dumpOf, type StateDump } from './state-dump.ts';
import { ruleFor } from './stream-rules.ts';

export interface AnsweredProposal {
  readonly call: RecordedCall;
  readonly outcome: Outcome;
  readonly verdict: Verdict;
  /** Blocks our peer had when it answered. */
  readonly height: number;
}

export interface AnsweredGatewayCall {
  readonly call: RecordedCall;
  readonly verdict: Verdict;
}

/** What one chaincode heard for one proposal. */
export interface HeardForProposal {
  readonly stream: RecordedStream;
  readonly call: RecordedCall | undefined;
  readonly heard: readonly Heard[];
}

/** What became of one peer after all blocks. */
export interface PeerAtTheEnd {
  readonly member: RecordedPeer;
  /** `common.Block` bytes, as our peer delivers them. */
  readonly blocks: readonly Uint8Array[];
  /** The first file of the block store. */
  readonly blockFile: Uint8Array;
  readonly state: StateDump;
  readonly halted: Error | undefined;
}

export interface Walk {
  readonly recording: Recording;
  readonly proposals: readonly AnsweredProposal[];
  readonly heard: readonly HeardForProposal[];
  readonly delivers: readonly RecordedDeliver[];
  readonly gateway: readonly AnsweredGatewayCall[];
  readonly peers: readonly PeerAtTheEnd[];
  /** Transactions in streams that no proposal asked for, by file. */
  readonly missed: ReadonlyMap<string, readonly string[]>;
}

const walks = new Map<Network, Promise<Walk>>();

/** The walk through a network, which all tests of one run share. */
export function walked(network: Network): Promise<Walk> {
  const begun = walks.get(network) ?? walk(network);
  walks.set(network, begun);
  return begun;
}

async function walk(network: Network): Promise<Walk> {
  const recording = recordingOf(network);
  await using scope = new Scope();
  const walker = await Walker.start(recording, scope);
  for (const call of recording.calls) await walker.take(call);
  return await walker.finish();
}

interface Seat {
  readonly peer: NetworkPeer;
  readonly queryIds: string[];
  /** How long a chaincode may take for one call. */
  readonly patience: { ms: number };
  /** Connections that are not open yet, in order. */
  readonly waiting: RecordedStream[];
  readonly open: Set<OpenChaincode>;
}

interface OpenChaincode {
  readonly chaincode: RecordedChaincode;
  /** Position of the last call that reaches it. */
  readonly last: number;
}

class Walker {
  readonly #recording: Recording;
  readonly #seats: ReadonlyMap<string, Seat>;
  readonly #clock: RecordedClock;
  readonly #proposals: AnsweredProposal[] = [];
  readonly #heard: HeardForProposal[] = [];
  readonly #delivers: RecordedDeliver[] = [];
  readonly #gateway: AnsweredGatewayCall[] = [];
  readonly #missed = new Map<string, readonly string[]>();

  private constructor(recording: Recording, seats: ReadonlyMap<string, Seat>, clock: RecordedClock) {
    this.#recording = recording;
    this.#seats = seats;
    this.#clock = clock;
  }

  static async start(recording: Recording, scope: Scope): Promise<Walker> {
    const clock = new RecordedClock(recording);
    const seats = new Map<string, Seat>();
    const privateData = new PrivateDataSharing();
    for (const [index, member] of recording.peers.entries()) {
      const queryIds: string[] = [];
      const patience = { ms: PATIENT_MS };
      const peer = scope.use(
        await startNetworkPeer({
          recording,
          member,
          clock,
          queryIds,
          privateData,
          executeTimeoutMs: () => patience.ms,
        }),
      );
      const waiting = recording.streams.filter((stream) => stream.ofSteps && stream.peer === index);
      privateData.add(peer);
      seats.set(member.target, { peer, queryIds, patience, waiting, open: new Set() });
    }
    const walker = new Walker(recording, seats, clock);
    scope.defer(() => walker.#closeAll());
    return walker;
  }

  async take(call: RecordedCall): Promise<void> {
    const seat = this.#seats.get(call.target);
    if (seat === undefined || call.requests.length === 0) return;
    this.#clock.at(call);
    await this.#connect(seat, call);
    if (call.method === PROCESS_PROPOSAL) await this.#propose(seat, call);
    else if (isGatewayCall(call)) await this.#askGateway(seat, call);
    else await this.#deliver(seat, call);
    this.#disconnect(seat, call);
  }

  /** The state of a call is known only from two sides: what was ordered later is not in it, and what was recorded fits. */
  async #propose(seat: Seat, call: RecordedCall): Promise<void> {
    const upper = this.#upperHeight(call);
    for (;;) {
      const height = seat.peer.height();
      const outcome = await this.#attempt(seat, call);
      const verdict = judge(this.#recording, call, outcome);
      const fits = verdict.equal && [...seat.open].every(({ chaincode }) => chaincode.heard.every((heard) => this.#fits(heard)));
      if (!fits && height > 0 && height < upper) {
        await seat.peer.advance(height + 1);
        continue;
      }
      this.#proposals.push({ call, outcome, verdict, height });
      for (const { chaincode } of seat.open) {
        const heard = chaincode.accept();
        if (heard.length > 0) this.#heard.push({ stream: chaincode.stream, call, heard });
      }
      return;
    }
  }

  /** What waits for a block is asked before the block is there. */
  async #askGateway(seat: Seat, call: RecordedCall): Promise<void> {
    const method = seat.peer.methods.get(call.method);
    if (method === undefined || isOfTheSetting(call)) return;
    for (const { chaincode } of seat.open) chaincode.begin();
    const answers = answersOf(this.#recording, call, method);
    await seat.peer.advance(heightOf(this.#recording, call));
    this.#gateway.push({ call, verdict: judgeGateway(this.#recording, call, await answers) });
    for (const { chaincode } of seat.open) {
      const heard = chaincode.accept();
      if (heard.length > 0) this.#heard.push({ stream: chaincode.stream, call, heard });
    }
  }

  #fits(heard: Heard): boolean {
    return heard.equal || ruleFor(this.#recording.network, heard) !== undefined;
  }

  async #deliver({ peer }: Seat, call: RecordedCall): Promise<void> {
    const method = peer.methods.get(call.method);
    if (method === undefined) return;
    const deliver = new RecordedDeliver(this.#recording, call);
    await peer.advance(Math.min(deliver.evidence, this.#upperHeight(call)));
    await deliver.start(method, peer.height());
    this.#delivers.push(deliver);
  }

  async #attempt({ peer, queryIds, patience, open }: Seat, call: RecordedCall): Promise<Outcome> {
    const timedOut = TIMED_OUT.test(call.grpcMessage) || TIMED_OUT.test(recordedReply(this.#recording, call)?.response?.message ?? '');
    queryIds.length = 0;
    patience.ms = timedOut ? IMPATIENT_MS : PATIENT_MS;
    for (const { chaincode } of open) {
      chaincode.begin();
      if (timedOut) chaincode.tooLate(call.txId);
    }
    const method = peer.methods.get(call.method);
    if (method?.kind !== 'unary') throw new Error(`no method ${call.method}`);
    return outcomeOf(method.handle(read(this.#recording.network, call.requests[0] ?? ''), CONTEXT));
  }

  /** Height at the call is at most the number of the first block that holds what was broadcast after it. */
  #upperHeight(call: RecordedCall): number {
    const { blockOf, blocks, calls } = this.#recording;
    const from = calls.indexOf(call);
    const later = [...blockOf].flatMap(([broadcast, number]) => (calls.indexOf(broadcast) >= from ? [number] : []));
    return Math.min(blocks.length, ...later);
  }

  /** Opens every connection whose name is free. */
  async #connect(seat: Seat, call: RecordedCall): Promise<void> {
    const position = this.#recording.calls.indexOf(call);
    const taken = new Set([...seat.open].map(({ chaincode }) => chaincode.stream.ccid));
    for (const stream of [...seat.waiting]) {
      if (taken.has(stream.ccid)) continue;
      taken.add(stream.ccid);
      seat.waiting.splice(seat.waiting.indexOf(stream), 1);
      const chaincode = new RecordedChaincode({ stream, queryIds: seat.queryIds });
      const last = this.#lastCallOf(stream, seat);
      if (last < position) continue;
      void seat.peer.support.serve(chaincode.connection.peer);
      chaincode.begin();
      chaincode.run().catch((thrown: unknown) => chaincode.fail(thrown));
      await chaincode.ready;
      this.#heard.push({ stream, call: undefined, heard: chaincode.accept() });
      seat.open.add({ chaincode, last });
    }
  }

  #lastCallOf({ lines }: RecordedStream, { peer }: Seat): number {
    const txIds = new Set(lines.map(({ txid }) => txid).filter((txId) => txId !== ''));
    return this.#recording.calls.findLastIndex(
      ({ method, target, txId }) => RUN_CHAINCODE.has(method) && target === peer.member.target && txIds.has(txId),
    );
  }

  /** A recorded connection ends after its last transaction. */
  #disconnect({ open }: Seat, call: RecordedCall): void {
    const position = this.#recording.calls.indexOf(call);
    for (const each of open) {
      if (each.last > position) continue;
      this.#missed.set(each.chaincode.stream.file, each.chaincode.missed);
      each.chaincode.close();
      open.delete(each);
    }
  }

  #closeAll(): void {
    for (const { open } of this.#seats.values()) for (const { chaincode } of open) chaincode.close();
  }

  async finish(): Promise<Walk> {
    const height = this.#recording.blocks.length;
    await Promise.all([...this.#seats.values()].map(({ peer }) => peer.advance(height)));
    for (const deliver of this.#delivers) await deliver.finish();
    const peers: PeerAtTheEnd[] = [];
    for (const { peer } of this.#seats.values()) peers.push(await atTheEnd(peer));
    return {
      recording: this.#recording,
      proposals: this.#proposals,
      heard: this.#heard,
      delivers: this.#delivers,
      gateway: this.#gateway,
      peers,
      missed: this.#missed,
    };
  }
}

async function atTheEnd(peer: NetworkPeer): Promise<PeerAtTheEnd> {
  const channel = peer.channel();
  const blocks: Uint8Array[] = [];
  for (let number = 0; number < peer.height(); number += 1) {
    const block = await channel?.ledger.blocks.block(BigInt(number));
    if (block !== undefined) blocks.push(common.Block.encode(block));
  }
  const halted = channel?.halted();
  await peer.stop();
  const blockFile = await readFile(join(peer.ledgerFolder, 'blocks', 'blockfile_000000'));
  return { member: peer.member, blocks, blockFile, state: await dumpOf(peer.ledgerFolder), halted };
}

const RUN_CHAINCODE: ReadonlySet<string> = new Set([PROCESS_PROPOSAL, ENDORSE]);

/** For chaincodes that answer, and for those that never did. */
const PATIENT_MS = 30_000;
const IMPATIENT_MS = 200;

const TIMED_OUT = /timeout expired while executing transaction/;

const CONTEXT: CallContext = { remote: 'recorded', peerCertificate: undefined, signal: new AbortController().signal };
