import type { Cancellable } from '../common/cancel.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import { type gateway, protos } from '../protos/messages.ts';
import { whileWaited } from './caller.ts';
import type { Directory } from './directory.ts';
import type { Endorser } from './endorser.ts';
import { ask } from './endorser-answer.ts';
import { type EndpointFailure, failed } from './failures.ts';
import type { AnswerBudget, HeldAnswers } from './held-answers.ts';
import { malformed, ProposedTransaction } from './proposed-transaction.ts';

export interface EvaluateParts {
  readonly directory: Directory;
  /** MSP id of this peer. */
  readonly mspId: string;
  /** @throws {SelvageError} `PEER_UNREACHABLE` for a channel that is not here */
  checkChannel(channelId: string): void;
  readonly endorsementTimeoutMs: number;
  readonly answers: AnswerBudget;
}

/**
 * Runs a transaction function on one peer, whichever answers first in the order of the directory, and gives its result.
 * @throws {SelvageError} with what each peer said that was asked
 * @see Evaluate in hyperledger/fabric v3.1, internal/pkg/gateway/evaluate.go
 */
export async function evaluate(
  parts: EvaluateParts,
  { proposedTransaction, targetOrganizations }: gateway.EvaluateRequest,
  { signal }: Cancellable,
): Promise<gateway.EvaluateResponseInit> {
  const proposed = readProposed(proposedTransaction);
  parts.checkChannel(proposed.channelId);
  const candidates = candidatesFor(parts, proposed, targetOrganizations);
  using answers = parts.answers.open(signal);
  const response = await whileWaited(firstOf(parts, candidates, proposed, answers), answers.signal, 'evaluate timeout expired');
  return { result: resultOf(response) };
}

function readProposed(signed: protos.SignedProposal | undefined): ProposedTransaction {
  try {
    if (signed === undefined || signed.proposalBytes.length === 0) throw malformed('a signed proposal is required');
    const proposed = new ProposedTransaction(signed);
    proposed.checkTarget();
    return proposed;
  } catch (cause) {
    throw malformed(`failed to unpack transaction proposal: ${messageOf(cause)}`, cause);
  }
}

/** Transient data stays in the own organisation unless the client says otherwise. */
function candidatesFor(
  { directory, mspId }: EvaluateParts,
  { channelId, chaincode, hasTransientData }: ProposedTransaction,
  targets: readonly string[],
): readonly Endorser[] {
  const shielded = hasTransientData && targets.length === 0;
  const found = directory.evaluators(channelId, chaincode, shielded ? [mspId] : targets);
  if (found.length > 0) return found;
  const none = `no peers available to evaluate chaincode ${chaincode} in channel ${channelId}`;
  const advice = shielded
    ? "no endorsers found in the gateway's organization; retry specifying target organization(s) to protect transient data: "
    : '';
  throw new SelvageError('ENDORSERS_MISSING', `${advice}${none}`);
}

async function firstOf(
  { endorsementTimeoutMs: timeoutMs }: EvaluateParts,
  candidates: readonly Endorser[],
  proposed: ProposedTransaction,
  { signal, received }: HeldAnswers,
): Promise<protos.ProposalResponseInit> {
  const failures: EndpointFailure[] = [];
  for (const [at, endorser] of candidates.entries()) {
    const answer = await ask(endorser, proposed, { signal, received, timeoutMs });
    if ('response' in answer) return answer.response;
    const { code, message, retry } = answer.failure;
    failures.push(answer.failure);
    if (!retry) throw failed(code, `evaluate call to endorser returned error: ${message}`, failures);
    if (at === candidates.length - 1) throw failed(code, 'failed to evaluate transaction, see attached details for more info', failures);
  }
  throw new SelvageError('INTERNAL', 'nobody to ask');
}

/** The response with the payload that the chaincode gave, which peers may leave out beside the action. */
function resultOf({ response, payload }: protos.ProposalResponseInit): protos.ResponseInit | undefined {
  try {
    const { extension } = protos.ProposalResponsePayload.decode(payload ?? new Uint8Array(0));
    return { ...response, payload: protos.ChaincodeAction.decode(extension).response?.payload };
  } catch {
    return response; // of a peer that answered with something else
  }
}
