import {
  approvedDefinition,
  approveProposal,
  commitProposal,
  commitReadiness,
  committedDefinition,
  committedDefinitions,
  PROPOSAL_REFUSED,
} from '../../client/lifecycle-calls.ts';
import type { ProposalSpec } from '../../client/proposal.ts';
import { submit } from '../../client/submit.ts';
import { SelvageError } from '../../common/errors.ts';
import { Connections } from '../connections.ts';
import { required } from '../operands.ts';
import { refuseInvalid, submitParts } from '../sending.ts';
import { lifecycleTargets } from '../targets.ts';
import type { Terminal } from '../terminal.ts';
import { definitionOf } from './definition.ts';
import { goJson } from './go-json.ts';
import type { ApprovedFlags, ApproveFlags, CommitFlags, CommittedFlags, ReadinessFlags } from './lifecycle-flags.ts';
import { wantsJson } from './output.ts';
import { allCommittedJson, approvedJson, committedJson, readinessJson } from './results.ts';
import { allCommittedLines, approvedLines, committedLines, inspected, readinessLines } from './texts.ts';

export async function approve(flags: ApproveFlags, terminal: Terminal): Promise<void> {
  await sendDefinition('approveformyorg', approveProposal(definitionOf(flags, terminal), flags.packageId || undefined), flags, terminal);
}

export async function commit(flags: CommitFlags, terminal: Terminal): Promise<void> {
  await sendDefinition('commit', commitProposal(definitionOf(flags, terminal)), flags, terminal);
}

/** Endorsed by every peer that is named, ordered, and unless told otherwise on the ledger of each. */
async function sendDefinition(command: string, proposal: ProposalSpec, flags: CommitFlags, terminal: Terminal): Promise<void> {
  using connections = new Connections(terminal);
  const channelId = flags.channelID;
  const endorsers = await connections.peers(lifecycleTargets({ command, flags, channelId }, connections));
  const parts = {
    ...(await submitParts(connections, { endorsers, flags, channelId }, terminal)),
    refusal: PROPOSAL_REFUSED,
  };
  refuseInvalid(await submit(parts, proposal, terminal));
}

export async function checkReadiness(flags: ReadinessFlags, terminal: Terminal): Promise<void> {
  const json = wantsJson(flags, terminal);
  const definition = definitionOf(flags, terminal);
  using connections = new Connections(terminal);
  const caller = await connections.caller(
    lifecycleTargets({ command: 'checkcommitreadiness', flags, channelId: flags.channelID }, connections),
  );
  const answer = await commitReadiness(caller, definition, terminal);
  tellUnknown(flags, answer.approvals, terminal);
  const readiness = flags.inspect ? inspected(answer) : { ...answer, mismatches: new Map() };
  print(json ? [goJson(readinessJson(readiness))] : readinessLines(definition, readiness), terminal);
}

/** A policy may name whom it likes; one that names nobody of the channel is seldom meant. */
function tellUnknown(
  { signaturePolicy = '', channelID }: ReadinessFlags,
  approvals: ReadonlyMap<string, boolean>,
  { say }: Terminal,
): void {
  const named = [...signaturePolicy.matchAll(/['"]([A-Za-z0-9.-]+)\.[a-z]+['"]/g)].map(([, mspId]) => mspId ?? '');
  for (const mspId of new Set(named))
    if (!approvals.has(mspId)) say(`channel ${channelID} has no organization ${mspId}, which the policy names`);
}

export async function queryApproved(flags: ApprovedFlags, terminal: Terminal): Promise<void> {
  const json = wantsJson(flags, terminal);
  const { channelID: channelId, name } = flags;
  required('channelID', channelId, '-C');
  required('name', name, '-n');
  const { sequence = 0n } = flags;
  using connections = new Connections(terminal);
  const caller = await connections.caller(lifecycleTargets({ command: 'queryapproved', flags, channelId }, connections));
  const approved = await approvedDefinition(caller, { channelId, name, sequence }, terminal);
  print(json ? [goJson(approvedJson(approved))] : approvedLines({ channelId, name }, approved), terminal);
}

export async function queryCommitted(flags: CommittedFlags, terminal: Terminal): Promise<void> {
  const json = wantsJson(flags, terminal);
  const { channelID: channelId, name } = flags;
  if (channelId === '') throw new SelvageError('SETTING_INVALID', 'channel name must be specified', { advice: 'Name it with -C CHANNEL.' });
  using connections = new Connections(terminal);
  const caller = await connections.caller(lifecycleTargets({ command: 'querycommitted', flags, channelId }, connections));
  if (name === '') {
    const all = await committedDefinitions(caller, channelId, terminal);
    print(json ? [goJson(allCommittedJson(all))] : allCommittedLines(channelId, all), terminal);
  } else {
    const committed = await committedDefinition(caller, { channelId, name }, terminal);
    print(json ? [goJson(committedJson(committed))] : committedLines({ channelId, name }, committed), terminal);
  }
}

function print(lines: readonly string[], { out }: Terminal): void {
  for (const line of lines) out(line);
}
