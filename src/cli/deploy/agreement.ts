import { setTimeout as sleep } from 'node:timers/promises';
import { approvalThreshold } from '../../client/deployment/approval-threshold.ts';
import { differingApprovals } from '../../client/deployment/differing-approvals.ts';
import type { NextDefinition } from '../../client/deployment/next-definition.ts';
import { commitReadiness, type DefinitionSpec } from '../../client/lifecycle-calls.ts';
import type { PeerClient } from '../../client/peer-client.ts';
import type { Cancellable } from '../../common/cancel.ts';
import type { lifecycle } from '../../protos/messages.ts';
import type { Organizations } from './organizations.ts';
import { callerOf } from './survey.ts';

/** How far the organisations of a channel agree on a definition. */
export interface Agreement {
  readonly approved: readonly string[];
  /** Those that have not, each with what the peer says of it: in what its own approval differs, where it tells. */
  readonly others: readonly { readonly mspId: string; readonly differs: readonly string[] }[];
  /** How many have to approve; undefined where the channel's policy names them. */
  readonly needed: number | undefined;
  /** A peer of each organisation that has approved, of those that have one known here. */
  readonly endorsers: readonly PeerClient[];
}

/** Whether a commit can be tried: enough have approved, and enough of them have a peer to ask. */
export const isEnough = ({ needed, endorsers }: Agreement): boolean => endorsers.length >= (needed ?? 1);

const PAUSE_MS = 1_000;

/** The same, with what the peer did not tell of approvals that differ. @param present the definition in force, if there is one */
export async function withDifferences(
  agreement: Agreement,
  { definition, present }: NextDefinition,
  organizations: Organizations,
  options: Cancellable,
): Promise<Agreement> {
  const found = await differingApprovals(callerOf(organizations.first), definition, present, options);
  const others = agreement.others.map((each) => ({ ...each, differs: found.get(each.mspId) ?? each.differs }));
  return { ...agreement, others };
}

/** What there is of agreement at once, or as soon as it is enough, `waitMs` milliseconds later at most. */
export async function agreementOn(
  definition: DefinitionSpec,
  organizations: Organizations,
  waitMs: number,
  options: Cancellable,
): Promise<Agreement> {
  const caller = callerOf(organizations.first);
  const until = performance.now() + waitMs;
  for (;;) {
    const readiness = await commitReadiness(caller, definition, options);
    const needed = await approvalThreshold(caller, definition.channelId, readiness.approvals.size, options);
    const approved = [...readiness.approvals].filter(([, is]) => is).map(([mspId]) => mspId);
    if (approved.length >= (needed ?? 1)) await organizations.discover(definition.channelId, approved);
    const agreement = readAgreement(readiness, needed, organizations);
    if (isEnough(agreement) || performance.now() >= until) return agreement;
    await sleep(PAUSE_MS, undefined, options);
  }
}

function readAgreement(
  { approvals, mismatches }: lifecycle.CheckCommitReadinessResult,
  needed: number | undefined,
  organizations: Organizations,
): Agreement {
  const mspIds = [...approvals.keys()].sort();
  const approved = mspIds.filter((mspId) => approvals.get(mspId) === true);
  const others = mspIds.filter((mspId) => approvals.get(mspId) !== true);
  return {
    approved,
    others: others.map((mspId) => ({ mspId, differs: mismatches.get(mspId)?.items ?? [] })),
    needed,
    endorsers: approved.flatMap((mspId) => organizations.peerOf(mspId) ?? []),
  };
}
