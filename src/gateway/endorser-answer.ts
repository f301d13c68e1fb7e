import { goStatusName, Status } from '../comm/status.ts';
import type { UnaryOptions } from '../comm/transport.ts';
import { Deadline } from '../common/cancel.ts';
import { type FailureCode, SelvageError } from '../common/errors.ts';
import type { protos } from '../protos/messages.ts';
import type { Endorser } from './endorser.ts';
import type { EndpointFailure } from './failures.ts';
import type { ProposedTransaction } from './proposed-transaction.ts';

/** What an endorser did with a proposal. */
export type EndorserAnswer = { readonly response: protos.ProposalResponseInit } | { readonly failure: EndorserFailure };

export interface EndorserFailure extends EndpointFailure {
  readonly code: FailureCode;
  /** Whether another peer may answer otherwise. */
  readonly retry: boolean;
}

/** How an answer is judged. `leave`: the connection is given up. */
type Verdict = Pick<EndorserFailure, 'code' | 'message' | 'retry'> & { readonly leave: boolean };

/**
 * Asks one endorser, for so many milliseconds at most. Never rejects while the caller is there.
 * @see responseStatus in hyperledger/fabric v3.1, internal/pkg/gateway/apiutils.go; unlike there, a refusal of a remote peer is one
 */
export async function ask(
  endorser: Endorser,
  proposed: ProposedTransaction,
  { signal, received, timeoutMs }: UnaryOptions & { readonly timeoutMs: number },
): Promise<EndorserAnswer> {
  const deadline = new Deadline(timeoutMs, 'context deadline exceeded', signal);
  try {
    const response = await endorser.processProposal(proposed, { signal: deadline.signal, received });
    const verdict = ofResponse(response);
    return verdict === undefined ? { response } : failedAt(endorser, verdict);
  } catch (thrown) {
    signal.throwIfAborted();
    return failedAt(endorser, ofError(deadline.expired ? deadline.signal.reason : thrown));
  } finally {
    deadline[Symbol.dispose]();
  }
}

function failedAt(endorser: Endorser, { leave, ...verdict }: Verdict): EndorserAnswer {
  if (leave) endorser.leave();
  return { failure: { ...verdict, address: endorser.address, mspId: endorser.mspId } };
}

/** What stands at the end of what a peer says whose chaincode went away. */
const STREAM_TERMINATED = 'chaincode stream terminated';

/** Undefined for an endorsement. */
function ofResponse({ response, payload }: protos.ProposalResponseInit): Verdict | undefined {
  const { status = 0, message = '' } = response ?? {};
  if (status >= 200 && status < 400) return undefined;
  if (status !== 500 || (payload !== undefined && payload.length > 0))
    return { code: 'CHAINCODE_FAILED', message: `chaincode response ${status}, ${message}`, retry: false, leave: false };
  return { code: 'ENDORSEMENT_FAILED', message, retry: true, leave: message.endsWith(STREAM_TERMINATED) }; // the peer said so, not the chaincode
}

/** Statuses that say that somebody has looked at the proposal and will not have it. */
const REFUSALS: ReadonlySet<number> = new Set([
  Status.UNKNOWN, // what Fabric's peers refuse with
  Status.INVALID_ARGUMENT,
  Status.NOT_FOUND,
  Status.ALREADY_EXISTS,
  Status.PERMISSION_DENIED,
  Status.FAILED_PRECONDITION,
  Status.UNAUTHENTICATED,
]);

/** Of status UNKNOWN, too, but nothing about the proposal. */
const NOT_NOW = /exceeding concurrency limit|while ledgers are being rebuilt/;

function ofError(thrown: unknown): Verdict {
  const error = SelvageError.from(thrown);
  if (REFUSALS.has(statusIn(error)) && !NOT_NOW.test(error.message))
    return { code: 'ENDORSER_REFUSED', message: error.message, retry: false, leave: false };
  return { code: 'PEER_UNREACHABLE', retry: true, ...ofLink(error) };
}

/** What a call failed with on its way, as Go's peers tell it, and whether to try another connection. */
export function ofLink(thrown: unknown): { readonly message: string; readonly leave: boolean } {
  const error = SelvageError.from(thrown);
  const { reason } = error.details;
  const status = statusIn(error);
  return {
    message: `rpc error: code = ${goStatusName(status)} desc = ${reason ?? error.message}`,
    leave: status === Status.UNAVAILABLE || status === Status.DEADLINE_EXCEEDED,
  };
}

const statusIn = ({ details: { grpcStatus }, grpc }: SelvageError): number => (typeof grpcStatus === 'number' ? grpcStatus : Status[grpc]);
