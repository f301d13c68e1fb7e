import type { UnaryOptions } from '../comm/transport.ts';
import type { protos } from '../protos/messages.ts';
import type { ProposedTransaction } from './proposed-transaction.ts';

/** A peer that can be asked to endorse: this one, or one at the other end of a connection. */
export interface Endorser {
  /** Its pki id in hex. */
  readonly id: string;
  readonly mspId: string;
  /** `host:port`, as clients are told it. */
  readonly address: string;
  /** @throws {SelvageError} when it refuses the proposal itself, or cannot be reached; what fails in running it is an answer */
  processProposal(proposed: ProposedTransaction, options: UnaryOptions): Promise<protos.ProposalResponseInit>;
  /** Its next call goes over another connection. */
  leave(): void;
}
