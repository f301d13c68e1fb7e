import type { GrpcClient } from '../src/comm/client.ts';
import type { Cancellable } from '../src/common/cancel.ts';
import { protos } from '../src/protos/messages.ts';
import { cpuMs } from './process-use.ts';
import { SignedCalls } from './signed-calls.ts';
import { quantile } from './statistics.ts';
import { networkOf, type Target } from './target.ts';
import type { Workload } from './workloads.ts';

/** What one endorser did in one round. Latencies and CPU times in milliseconds. */
export interface EndorsingRound {
  readonly calls: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** CPU time of the peer for each call; NaN when its process is not known. */
  readonly peerCpu: number;
  readonly chaincodeCpu: number;
  /** CPU time of this process for each call: what the load generator itself takes. */
  readonly clientCpu: number;
}

export interface Load {
  /** What to call it in an error. */
  readonly workload: string;
  /** A round ends when they are used up. */
  readonly calls: readonly Uint8Array[];
  readonly inFlight: number;
  /** How long to go on, in milliseconds. */
  readonly forMs: number;
}

const PROCESS_PROPOSAL = '/protos.Endorser/ProcessProposal';

/** @throws {Error} when it is not endorsed */
async function endorse(lane: GrpcClient, call: Uint8Array, what: string, options: Cancellable): Promise<protos.ProposalResponse> {
  const answer = protos.ProposalResponse.decode(await lane.unary(PROCESS_PROPOSAL, call, options));
  if (answer.response?.status === 200) return answer;
  throw new Error(`${lane.address} refused ${what}: ${answer.response?.message}`);
}

/** Keeps `inFlight` proposals with one endorser, spread over its connections. @throws {Error} when one of them is not endorsed */
export async function endorseRound({ spec, lanes }: Target, load: Load, options: Cancellable): Promise<EndorsingRound> {
  const latencies: number[] = [];
  let next = 0;
  const { pid, chaincodePid } = spec;
  const before = { peer: cpuMs(pid), chaincode: cpuMs(chaincodePid), client: process.cpuUsage() };
  const begun = performance.now();
  const caller = async (lane: GrpcClient): Promise<void> => {
    let now = performance.now();
    while (now - begun < load.forMs) {
      const call = load.calls[next];
      if (call === undefined) return;
      next += 1;
      await endorse(lane, call, load.workload, options);
      const sent = now;
      now = performance.now();
      latencies.push(now - sent);
    }
  };
  await Promise.all(Array.from({ length: load.inFlight }, (_, at) => caller(laneOf(lanes, at))));
  const ms = performance.now() - begun;
  const client = process.cpuUsage(before.client);
  latencies.sort((a, b) => a - b);
  const calls = latencies.length;
  return {
    calls,
    perSecond: (calls * 1000) / ms,
    p50: quantile(latencies, 0.5),
    p95: quantile(latencies, 0.95),
    p99: quantile(latencies, 0.99),
    peerCpu: (cpuMs(pid) - before.peer) / calls,
    chaincodeCpu: (cpuMs(chaincodePid) - before.chaincode) / calls,
    clientCpu: (client.user + client.system) / 1000 / calls,
  };
}

function laneOf(lanes: readonly GrpcClient[], at: number): GrpcClient {
  const lane = lanes[at % lanes.length];
  if (lane === undefined) throw new Error('no connection for the load');
  return lane;
}

/**
 * Hands one and the same call to every endorser of a network: what they would sign has to be the same bytes, or they did not do the
 * same work.
 *
 * @returns how many answers were found equal to another one
 * @throws {Error} with both payloads as hex
 */
export async function comparePayloads(targets: readonly Target[], workload: Workload, options: Cancellable): Promise<number> {
  const calls = new SignedCalls(workload);
  const firsts = new Map<string, { readonly name: string; readonly payload: Buffer }>();
  let equal = 0;
  for (const target of targets) {
    const [call] = await calls.for(target, 1);
    if (call === undefined) continue;
    const answer = await endorse(laneOf(target.lanes, 0), call, workload.name, options);
    const payload = Buffer.from(answer.payload);
    const network = networkOf(target.spec);
    const first = firsts.get(network);
    if (first === undefined) firsts.set(network, { name: target.spec.name, payload });
    else if (payload.equals(first.payload)) equal += 1;
    else throw new Error(differing(workload.name, first, { name: target.spec.name, payload }));
  }
  return equal;
}

interface Answer {
  readonly name: string;
  readonly payload: Buffer;
}

const differing = (workload: string, ...answers: readonly Answer[]): string =>
  [`one call of ${workload} has different payloads:`, ...answers.map(({ name, payload }) => `${name}: ${payload.toString('hex')}`)].join(
    '\n',
  );
