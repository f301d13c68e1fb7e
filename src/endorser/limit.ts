import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import type { protos } from '../protos/messages.ts';
import type { ProposalProcessor } from './handlers/filters.ts';

/**
 * Refuses proposals beyond `limit` at a time: `peer.limits.concurrency.endorserService`; 0 is no limit.
 * @throws {SelvageError} `OVERLOADED`
 * @see internal/peer/node/grpc_limiters.go in hyperledger/fabric v2.5
 */
export class ConcurrencyLimit implements ProposalProcessor {
  readonly #limit: number;
  readonly #next: ProposalProcessor;
  readonly #onChange: (inFlight: number) => void;
  #inFlight = 0;

  constructor({
    limit,
    next,
    onChange,
  }: { readonly limit: number; readonly next: ProposalProcessor; readonly onChange: (inFlight: number) => void }) {
    this.#limit = limit;
    this.#next = next;
    this.#onChange = onChange;
  }

  async processProposal(signed: protos.SignedProposal, options: Cancellable): Promise<protos.ProposalResponseInit> {
    if (this.#limit > 0 && this.#inFlight >= this.#limit) {
      throw new SelvageError('OVERLOADED', `too many requests for /protos.Endorser, exceeding concurrency limit (${this.#limit})`);
    }
    this.#count(1);
    try {
      return await this.#next.processProposal(signed, options);
    } finally {
      this.#count(-1);
    }
  }

  #count(by: number): void {
    this.#inFlight += by;
    this.#onChange(this.#inFlight);
  }
}
