/** Proposals of the recorded networks, one entry per ProcessProposal call. */
import { protos } from '../../src/protos/messages.ts';
import { readFixture, steps } from '../fixtures.ts';
import type { Network } from './recorded-channel.ts';

export interface RecordedProposal {
  readonly network: Network;
  readonly step: string;
  readonly target: string;
  readonly txId: string | undefined;
  readonly grpcStatus: number;
  readonly grpcMessage: string;
  readonly signed: Uint8Array;
  /** Absent where the call ended with a gRPC status only. */
  readonly response: protos.ProposalResponse | undefined;
}

interface Call {
  readonly method: string;
  readonly target: string;
  readonly txid?: string;
  readonly grpcStatus?: number;
  readonly grpcMessage?: string;
  readonly request?: readonly string[];
  readonly response?: readonly string[];
}

export function recordedProposals(network: Network): readonly RecordedProposal[] {
  const found: RecordedProposal[] = [];
  for (const { name, calls } of steps(network) as unknown as { name: string; calls?: readonly Call[] }[]) {
    for (const call of calls ?? []) {
      const [request] = call.request ?? [];
      if (call.method !== '/protos.Endorser/ProcessProposal' || request === undefined) continue;
      found.push(proposalOf(network, name, call, request));
    }
  }
  return found;
}

function proposalOf(network: Network, step: string, call: Call, request: string): RecordedProposal {
  const read = (file: string) => readFixture(`${network}/calls/${step}/${file}`);
  const [answer] = call.response ?? [];
  return {
    network,
    step,
    target: call.target,
    txId: call.txid,
    grpcStatus: call.grpcStatus ?? 0,
    grpcMessage: call.grpcMessage ?? '',
    signed: read(request),
    response: answer === undefined ? undefined : protos.ProposalResponse.decode(read(answer)),
  };
}
