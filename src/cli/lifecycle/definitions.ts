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
import { compareUtf8 } from '../../common/bytes.ts';
import { Deadline } from '../../common/cancel.ts';
import type { lifecycle } from '../../protos/messages.ts';
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
  const { approvals, mismatches: found } = await commitReadiness(caller, definition, terminal);
  const mismatches = new Map(flags.inspect ? [...found].map(([org, { items }]) => [org, { items: items.map(withHint) }]) : []);
  if (json) return terminal.out(goJson(readinessJson({ approvals, mismatches })));
  const { name, version, sequence, channelId } = definition;
  terminal.out(
    `Chaincode definition for chaincode '${name}', version '${version}', sequence '${sequence}' on channel '${channelId}' approval status by org:`,
  );
  for (const [org, approved] of sorted(approvals)) {
    const items = mismatches.get(org)?.items.join(', ');
    terminal.out(`${org}: ${approved}${items === undefined ? '' : ` (mismatch: [${items}])`}`);
  }
}

/** Where to look, by what the peer says that differs. */
const HINTS: Readonly<Record<string, string>> = {
  ChaincodeParameters: 'Check the Sequence, ChaincodeName',
  EndorsementInfo: 'Check the Version, InitRequired, EndorsementPlugin',
  ValidationInfo: 'Check the ValidationParameter, ValidationPlugin',
  Collections: 'Check the Collections',
};

const withHint = (item: string): string => (HINTS[item] === undefined ? item : `${item} (${HINTS[item]})`);

export async function queryApproved(flags: ApprovedFlags, terminal: Terminal): Promise<void> {
  const json = wantsJson(flags);
  const { channelID: channelId, name } = flags;
  required('channelID', channelId, '-C');
  required('name', name, '-n');
  const sequence = sequenceFlag(flags.sequence);
  using connections = new Connections(terminal);
  const caller = await oneTarget(connections, 'queryapproved', flags, terminal, channelId);
  const approved = await approvedDefinition(caller, { channelId, name, sequence }, terminal);
  if (json) return terminal.out(goJson(approvedJson(approved)));
  const packageId = approved.source?.localPackage?.packageId ?? '';
  terminal.out(`Approved chaincode definition for chaincode '${name}' on channel '${channelId}':`);
  terminal.out(
    `sequence: ${approved.sequence}, version: ${approved.version}, init-required: ${approved.initRequired}, package-id: ${packageId}, endorsement plugin: ${approved.endorsementPlugin}, validation plugin: ${approved.validationPlugin}`,
  );
}

export async function queryCommitted(flags: CommittedFlags, terminal: Terminal): Promise<void> {
  const json = wantsJson(flags);
  const { channelID: channelId, name } = flags;
  required('channelID', channelId, '-C');
  using connections = new Connections(terminal);
  const caller = await oneTarget(connections, 'querycommitted', flags, terminal, channelId);
  if (name === '') {
    const all = await committedDefinitions(caller, channelId, terminal);
    if (json) return terminal.out(goJson(allCommittedJson(all)));
    terminal.out(`Committed chaincode definitions on channel '${channelId}':`);
    for (const each of all.chaincodeDefinitions) terminal.out(`Name: ${each.name}, ${definitionText(each)}`);
    return;
  }
  const committed = await committedDefinition(caller, { channelId, name }, terminal);
  if (json) return terminal.out(goJson(committedJson(committed)));
  const approvals = sorted(committed.approvals).map(([org, approved]) => `${org}: ${approved}`);
  terminal.out(`Committed chaincode definition for chaincode '${name}' on channel '${channelId}':`);
  terminal.out(`${definitionText(committed)}, Approvals: [${approvals.join(', ')}]`);
}

type Described = Pick<lifecycle.QueryChaincodeDefinitionResult, 'version' | 'sequence' | 'endorsementPlugin' | 'validationPlugin'>;

const definitionText = ({ version, sequence, endorsementPlugin, validationPlugin }: Described): string =>
  `Version: ${version}, Sequence: ${sequence}, Endorsement Plugin: ${endorsementPlugin}, Validation Plugin: ${validationPlugin}`;

const sorted = <T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] => [...map].sort(([a], [b]) => compareUtf8(a, b));
