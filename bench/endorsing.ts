import { type ClientProposal, createProposal } from '../src/client/proposal.ts';
import type { Cancellable } from '../src/common/cancel.ts';
import { cpuMs } from './process-use.ts';
import { quantile } from './statistics.ts';
import type { Target } from './target.ts';
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
  readonly workload: Workload;
  readonly inFlight: number;
  /** How long to go on, in milliseconds. */
  readonly forMs: number;
  /** Calls to sign ahead of time. A round ends when they are used up. */
  readonly prepared: number;
}

/** Signs proposals ahead of time: signing is the dearest thing that a client does, and not what is measured. */
async function sign(target: Target, { workload, prepared }: Load): Promise<ClientProposal[]> {
  const signed: ClientProposal[] = [];
  for (let at = 0; at < prepared; at += 1) signed.push(await createProposal(target.signer, target.call(workload.args(at))));
  return signed;
}

/** Keeps `inFlight` proposals with one endorser. @throws {Error} when one of them is not endorsed */
export async function endorseRound(target: Target, load: Load, { signal }: Cancellable): Promise<EndorsingRound> {
  const proposals = await sign(target, load);
  const latencies: number[] = [];
  const { pid, chaincodePid } = target.spec;
  const before = { peer: cpuMs(pid), chaincode: cpuMs(chaincodePid), client: process.cpuUsage() };
  const begun = performance.now();
  const worker = async (): Promise<void> => {
    while (performance.now() - begun < load.forMs) {
      const proposal = proposals.pop();
      if (proposal === undefined) return;
      const sent = performance.now();
      const { response } = await target.peer.endorse(proposal.signed, { signal });
      latencies.push(performance.now() - sent);
      if (response?.status !== 200) throw new Error(`${target.spec.name} refused ${load.workload.name}: ${response?.message}`);
    }
  };
  await Promise.all(Array.from({ length: load.inFlight }, worker));
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
