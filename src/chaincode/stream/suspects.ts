import { textOf } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { UnhandledRejection } from '../output/unhandled-rejections.ts';
import type { TransactionContext } from './transaction-context.ts';

/** So long a transaction may take to answer after something failed that it may not have needed, milliseconds. */
const GRACE_MS = 1_000;

/** Characters of a refusal that a reason has to repeat. */
const COMPARED = 300;

const REMEDY = 'Catch it in Invoke and return shim.error(message): the shim answers nothing else.';

/** The error of a transaction that threw and gets no answer. */
export const unanswered = ({ reason }: UnhandledRejection): SelvageError =>
  new SelvageError('CHAINCODE_FAILED', `the chaincode failed and does not answer: unhandled rejection: ${reason}\n${REMEDY}`, {
    details: { reason: `unhandled rejection: ${reason}` },
    advice: REMEDY,
  });

/** The same for one that waited until its time was up, of which nobody could tell before whether it would answer. */
export const perhapsUnanswered = (timeout: SelvageError, { reason }: UnhandledRejection): SelvageError =>
  new SelvageError(timeout.code, `${timeout.message}: unhandled rejection: ${reason}\n${REMEDY}`, {
    cause: timeout,
    details: { ...timeout.details, reason: `unhandled rejection: ${reason}` },
    advice: REMEDY,
  });

/** Given up transactions that are remembered, at most. */
const MAX_GIVEN_UP = 1_000;

/**
 * Finds the transaction behind a promise that nobody handled, among all that the chaincode had not answered when it was reported. Only
 * the reason can tell which one it was, or that all others were answered; a transaction that is found fails at once, and no other with
 * it. What the peer had given up before may be behind it, too: then nobody can tell.
 */
export class Suspects {
  readonly #groups = new Set<Group>();
  /** What was given up before the chaincode answered or was seen to fail. */
  readonly #givenUp = new Set<string>();

  /** @param open the transactions that wait for an answer */
  add(rejection: UnhandledRejection, open: readonly TransactionContext[]): void {
    const sinceMs = performance.now();
    for (const context of open) context.suspicion = { rejection, sinceMs };
    const refused = open.filter(({ refusal }) => refusal !== undefined && rejection.reason.includes(textOf(refusal).slice(0, COMPARED)));
    if (refused.length === 1) this.#watch({ rejection, members: new Set(refused), graceMs: GRACE_MS });
    else if (rejection.lost === 'answer' && this.#givenUp.size === 0) this.#watch({ rejection, members: new Set(open), graceMs: 0 });
  }

  /** A request came. It may have been sent before the failure and have come later than the report of it. */
  asked(context: TransactionContext): void {
    context.refusal = undefined;
    if (performance.now() - (context.suspicion?.sinceMs ?? 0) > GRACE_MS) context.suspicion = undefined;
    for (const group of this.#groups) if (group.graceMs > 0 && group.members.has(context)) this.#dissolve(group);
  }

  answered(context: TransactionContext): void {
    for (const group of [...this.#groups]) if (group.members.delete(context)) this.#judge(group);
  }

  /** Nobody waits for its answer any more. Was it the one, the others were not. */
  givenUp(context: TransactionContext): void {
    for (const group of [...this.#groups]) if (group.members.has(context)) this.#dissolve(group);
    if (context.suspicion !== undefined) return;
    const { channelId, txId } = context.call.proposal;
    this.#givenUp.add(`${channelId} ${txId}`);
    for (const oldest of this.#givenUp) if (this.#givenUp.size > MAX_GIVEN_UP) this.#givenUp.delete(oldest);
  }

  answeredLate(channelId: string, txId: string): void {
    this.#givenUp.delete(`${channelId} ${txId}`);
  }

  #watch(group: Group): void {
    this.#groups.add(group);
    this.#judge(group);
  }

  #judge(group: Group): void {
    const [last, ...others] = group.members;
    if (last === undefined) this.#dissolve(group);
    if (last === undefined || others.length > 0) return;
    const fail = (): void => {
      this.#dissolve(group);
      last.fail(unanswered(group.rejection));
    };
    if (group.graceMs === 0) fail();
    else group.timer = setTimeout(fail, group.graceMs);
  }

  #dissolve(group: Group): void {
    clearTimeout(group.timer);
    this.#groups.delete(group);
  }
}

/** The transactions of which one failed. */
interface Group {
  readonly rejection: UnhandledRejection;
  readonly members: Set<TransactionContext>;
  /** How long the last one has to answer all the same. */
  readonly graceMs: number;
  timer?: NodeJS.Timeout;
}
