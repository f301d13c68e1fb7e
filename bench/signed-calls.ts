import { createProposal } from '../src/client/proposal.ts';
import { protos } from '../src/protos/messages.ts';
import { networkOf, type Target } from './target.ts';
import type { Workload } from './workloads.ts';

/**
 * Calls of one workload, signed ahead of time: signing is the dearest thing that a client does, and not what is measured. What was
 * signed for one endorser of a network is handed to the others as well.
 */
export class SignedCalls {
  readonly #workload: Workload;
  readonly #byNetwork = new Map<string, Uint8Array[]>();

  constructor(workload: Workload) {
    this.#workload = workload;
  }

  /** @returns `SignedProposal` bytes, each with a transaction id of its own */
  async for(target: Target, count: number): Promise<readonly Uint8Array[]> {
    const network = networkOf(target.spec);
    const signed = this.#byNetwork.get(network) ?? [];
    this.#byNetwork.set(network, signed);
    while (signed.length < count) {
      const proposal = await createProposal(target.signer, target.call(this.#workload.args(signed.length)));
      signed.push(protos.SignedProposal.encode(proposal.signed));
    }
    return signed.slice(0, count);
  }
}
