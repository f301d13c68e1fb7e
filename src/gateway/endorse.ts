import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import type { gateway, protos } from '../protos/messages.ts';
import { whileWaited } from './caller.ts';
import type { Directory } from './directory.ts';
import type { Endorser } from './endorser.ts';
import { ask } from './endorser-answer.ts';
import { type EndpointFailure, failed } from './failures.ts';
import type { AnswerBudget, HeldAnswers } from './held-answers.ts';
import { type Endorsed, Plan } from './plan.ts';
import type { Planning } from './planning.ts';
import { preparedTransaction } from './prepared-transaction.ts';
import { malformed, ProposedTransaction } from './proposed-transaction.ts';

export interface EndorseParts {
  readonly directory: Directory;
  readonly planning: Planning;
  /** MSP id of this peer. */
  readonly mspId: string;
  readonly endorsementTimeoutMs: number;
  readonly answers: AnswerBudget;
}

/**
 * Collects the endorsements that a transaction needs, from the organisations that the client names, or as policies say.
 * @returns the transaction, for the client to sign
 * @throws {SelvageError} with what each peer said that was asked
 * @see Endorse in hyperledger/fabric v3.1, internal/pkg/gateway/endorse.go
 */
export async function endorse(
  parts: EndorseParts,
  { proposedTransaction: signed, endorsingOrganizations: orgs }: gateway.EndorseRequest,
  { signal }: Cancellable,
): Promise<gateway.EndorseResponseInit> {
  if (signed === undefined || signed.proposalBytes.length === 0) throw malformed('the proposed transaction must contain a signed proposal');
  const proposed = new ProposedTransaction(signed);
  using answers = parts.answers.open(signal);
  const plan = orgs.length > 0 ? planForOrganizations(parts, proposed, orgs) : await planByPolicy(parts, proposed, answers);
  const collected = collect(parts, plan, proposed, answers);
  const endorsed = await whileWaited(collected, answers.signal, 'endorsement timeout expired while collecting endorsements');
  return { preparedTransaction: preparedTransaction(proposed, endorsed) };
}

/** The client names who is to endorse: one peer of each, and answers for it that this will do. */
function planForOrganizations({ directory }: EndorseParts, { channelId, chaincode }: ProposedTransaction, orgs: readonly string[]): Plan {
  const found = directory.byOrganization(channelId, chaincode);
  const missing = orgs.filter((org) => !found.has(org));
  if (missing.length > 0)
    throw new SelvageError('PEER_UNREACHABLE', `failed to find any endorsing peers for org(s): ${missing.join(', ')}`);
  const groups = new Map(orgs.map((org) => [org, found.get(org) ?? []]));
  return new Plan({ groups, layouts: [new Map(orgs.map((org) => [org, 1]))] });
}

/** Runs the proposal on one peer to learn which policies it concerns, then plans with these; what that peer said counts. */
async function planByPolicy(parts: EndorseParts, proposed: ProposedTransaction, answers: HeldAnswers): Promise<Plan> {
  const { signal } = answers;
  const asked = firstEndorsement(parts, await firstPlan(parts, proposed), proposed, answers);
  const { endorser, response } = await whileWaited(asked, signal, 'endorsement timeout expired while collecting first endorsement');
  const plan = await parts.planning.for(proposed, interestOf(response, proposed), endorser);
  plan.accept(endorser, response);
  return plan;
}

/** Whom to run it on first: a peer of the own organisation, else whoever could endorse a plain call. */
async function firstPlan({ directory, planning, mspId }: EndorseParts, proposed: ProposedTransaction): Promise<Plan> {
  const { channelId, chaincode, hasTransientData } = proposed;
  const own = directory.byOrganization(channelId, chaincode).get(mspId);
  if (own !== undefined) return new Plan({ groups: new Map([[mspId, own]]), layouts: [new Map([[mspId, 1]])] });
  if (!hasTransientData) return planning.plain(proposed);
  const text = "no endorsers found in the gateway's organization; retry specifying endorsing organization(s) to protect transient data";
  throw new SelvageError('ENDORSERS_MISSING', text);
}

interface FirstEndorsement {
  readonly endorser: Endorser;
  readonly response: protos.ProposalResponseInit;
}

async function firstEndorsement(
  { endorsementTimeoutMs: timeoutMs }: EndorseParts,
  plan: Plan,
  proposed: ProposedTransaction,
  { signal, received }: HeldAnswers,
): Promise<FirstEndorsement> {
  const failures: EndpointFailure[] = [];
  let endorser = plan.next()?.[0];
  while (endorser !== undefined) {
    const answer = await ask(endorser, proposed, { signal, received, timeoutMs });
    if ('response' in answer) return { endorser, response: answer.response };
    failures.push(answer.failure);
    endorser = plan.replacementFor(endorser);
  }
  throw failed('ENDORSEMENT_FAILED', 'failed to endorse transaction, see attached details for more info', failures);
}

/** Peers before 2.4 say nothing, and neither does what reads and writes nothing: then it is the chaincode alone. */
const interestOf = ({ interest }: protos.ProposalResponseInit, { chaincode }: ProposedTransaction): protos.ChaincodeInterestInit =>
  (interest?.chaincodes ?? []).length > 0 && interest !== undefined ? interest : { chaincodes: [{ name: chaincode }] };

/** Asks all endorsers of a layout at once, replaces those that fail, and goes on with the next layout where a group is used up. */
async function collect(parts: EndorseParts, plan: Plan, proposed: ProposedTransaction, answers: HeldAnswers): Promise<Endorsed> {
  for (let endorsers = plan.next(); endorsers !== undefined; endorsers = plan.next()) {
    await Promise.all(endorsers.map((endorser) => endorseOne(parts, plan, endorser, { proposed, answers })));
    plan.giveUpLayout();
  }
  if (plan.endorsed === undefined) throw plan.notEnough();
  return plan.endorsed;
}

/** One endorsement of a group, whoever of it gives it, unless it has nobody left. */
async function endorseOne(
  { endorsementTimeoutMs: timeoutMs }: EndorseParts,
  plan: Plan,
  first: Endorser,
  { proposed, answers: { signal, received } }: { readonly proposed: ProposedTransaction; readonly answers: HeldAnswers },
): Promise<void> {
  let endorser: Endorser | undefined = first;
  while (endorser !== undefined) {
    const answer = await ask(endorser, proposed, { signal, received, timeoutMs });
    if ('failure' in answer) plan.failures.push(answer.failure);
    else if (plan.accept(endorser, answer.response)) return;
    endorser = plan.replacementFor(endorser);
  }
}
