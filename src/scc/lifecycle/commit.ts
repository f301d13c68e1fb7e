import { compareUtf8 } from '../../common/bytes.ts';
import {
  approvalName,
  committedName,
  definitionRecord,
  type LifecycleDefinition,
  parametersRecord,
} from '../../lifecycle/lifecycle-definition.ts';
import { isWritten, readSequence, writeRecord } from '../../lifecycle/records.ts';
import { lifecycle } from '../../protos/messages.ts';
import { refused } from '../reply.ts';
import { type Invocation, type OnChannel, onChannel } from './parts.ts';
import { requestedDefinition } from './requested-definition.ts';
import { hashedRecords, publicRecords } from './simulated-records.ts';
import { checkRequest } from './validation.ts';

/** Says which organisations approved a definition that could be committed next. */
export async function checkReadiness(args: lifecycle.CheckCommitReadinessArgs, invocation: Invocation): Promise<Uint8Array> {
  const { approvals } = await readinessOf(args, onChannel(invocation));
  return lifecycle.CheckCommitReadinessResult.encode({ approvals });
}

/**
 * Puts a definition into force. Whether enough organisations agree is for the endorsement policy of `_lifecycle` to say: each
 * peer endorses for its own.
 * @see CommitChaincodeDefinition in hyperledger/fabric v2.5, core/chaincode/lifecycle/scc.go
 */
export async function commit(args: lifecycle.CommitChaincodeDefinitionArgs, invocation: Invocation): Promise<Uint8Array> {
  await checkRequest(args, invocation);
  const channel = onChannel(invocation);
  const { mspId } = invocation.parts;
  if (channel.orgs.every((org) => org.mspId !== mspId))
    throw refused("impossibly, this peer's org is processing requests for a channel it is not a member of");
  const { approvals, definition } = await readinessOf(args, channel);
  await writeRecord(committedName(args.name), definitionRecord(definition), publicRecords(channel.simulator));
  if (approvals.get(mspId) !== true) throw refused(`chaincode definition not agreed to by this org (${mspId})`);
  return lifecycle.CommitChaincodeDefinitionResult.encode({});
}

interface Readiness {
  readonly definition: LifecycleDefinition;
  readonly approvals: ReadonlyMap<string, boolean>;
}

async function readinessOf(args: lifecycle.CheckCommitReadinessArgs, channel: OnChannel): Promise<Readiness> {
  const current = await readSequence(args.name, publicRecords(channel.simulator));
  if (args.sequence !== current + 1n)
    throw refused(`requested sequence is ${args.sequence}, but new definition must be sequence ${current + 1n}`);
  const definition = requestedDefinition(args, channel.bundle);
  return { definition, approvals: await approvalsOf(args.name, definition, channel) };
}

/** By MSP id: whether the hashes in the organisation's collection are those of exactly this definition. */
export async function approvalsOf(
  name: string,
  definition: LifecycleDefinition,
  { simulator, orgs }: OnChannel,
): Promise<ReadonlyMap<string, boolean>> {
  const approvals = new Map<string, boolean>();
  for (const mspId of orgs.map((org) => org.mspId).sort(compareUtf8)) {
    const record = approvalName(name, definition.sequence);
    approvals.set(mspId, await isWritten(record, parametersRecord(definition), hashedRecords(simulator, mspId)));
  }
  return approvals;
}
