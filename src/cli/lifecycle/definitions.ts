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
import { Deadline } from '../../common/cancel.ts';
import { tellCommit } from '../commit-told.ts';
import { Connections } from '../connections.ts';
import { durationFlag } from '../durations.ts';
import type { Terminal } from '../terminal.ts';
import { definitionOf, required, sequenceFlag } from './definition.ts';
import { goJson } from './go-json.ts';
import type { ApprovedFlags, ApproveFlags, CommitFlags, CommittedFlags, ReadinessFlags } from './lifecycle-commands.ts';
import { wantsJson } from './output.ts';
import { allCommittedJson, approvedJson, committedJson, readinessJson } from './results.ts';
import { oneTarget, targets } from './targets.ts';
import { allCommittedLines, approvedLines, committedLines, inspected, readinessLines } from './texts.ts';

export async function approve(flags: ApproveFlags, terminal: Terminal): Promise<void> {
  await sendDefinition(approveProposal(definitionOf(flags, terminal), flags.packageId || undefined), flags, terminal);
}

export async function commit(flags: CommitFlags, terminal: Terminal): Promise<void> {
  await sendDefinition(commitProposal(definitionOf(flags, terminal)), flags, terminal);
}

/** Endorsed by every peer that is named, ordered, and unless told otherwise on the ledger of each. */
async function sendDefinition(proposal: ProposalSpec, flags: CommitFlags, terminal: Terminal): Promise<void> {
  const timeoutMs = durationFlag(flags.waitForEventTimeout);
  using connections = new Connections(terminal);
  const endorsers = await targets(connections, flags, terminal, flags.channelID);
  const parts = {
    signer: await connections.signer(),
    endorsers,
    orderer: connections.orderer(flags),
    listeners: flags.waitForEvent ? endorsers : [],
    tlsCertHash: connections.tlsCertHash(),
    refusal: PROPOSAL_REFUSED,
  };
  using deadline = flags.waitForEvent ? new Deadline(timeoutMs, 'timed out waiting for txid on all peers', terminal.signal) : undefined;
  const submitted = await submit(parts, proposal, { signal: deadline?.signal ?? terminal.signal });
  if (submitted.commit !== undefined) tellCommit(submitted.proposal.txId, submitted.commit, terminal, endorsers);
}

export async function checkReadiness(flags: ReadinessFlags, terminal: Terminal): Promise<void> {
  const json = wantsJson(flags);
  const definition = definitionOf(flags, terminal);
  using connections = new Connections(terminal);
  const caller = await oneTarget(connections, 'checkcommitreadiness', flags, terminal, flags.channelID);
  const answer = await commitReadiness(caller, definition, terminal);
  const readiness = flags.inspect ? inspected(answer) : { ...answer, mismatches: new Map() };
  print(json ? [goJson(readinessJson(readiness))] : readinessLines(definition, readiness), terminal);
}

export async function queryApproved(flags: ApprovedFlags, terminal: Terminal): Promise<void> {
  const json = wantsJson(flags);
  const { channelID: channelId, name } = flags;
  required('channelID', channelId, '-C');
  required('name', name, '-n');
  const sequence = sequenceFlag(flags.sequence);
  using connections = new Connections(terminal);
  const caller = await oneTarget(connections, 'queryapproved', flags, terminal, channelId);
  const approved = await approvedDefinition(caller, { channelId, name, sequence }, terminal);
  print(json ? [goJson(approvedJson(approved))] : approvedLines({ channelId, name }, approved), terminal);
}

export async function queryCommitted(flags: CommittedFlags, terminal: Terminal): Promise<void> {
  const json = wantsJson(flags);
  const { channelID: channelId, name } = flags;
  required('channelID', channelId, '-C');
  using connections = new Connections(terminal);
  const caller = await oneTarget(connections, 'querycommitted', flags, terminal, channelId);
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
