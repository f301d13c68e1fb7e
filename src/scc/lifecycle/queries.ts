import { SelvageError } from '../../common/errors.ts';
import type { TxSimulator } from '../../ledger/simulator/tx-simulator.ts';
import {
  approvalName,
  type LifecycleDefinition,
  readDefinition,
  readPackageId,
  readParameters,
  sourceName,
} from '../../lifecycle/lifecycle-definition.ts';
import { LIFECYCLE, type ReadableRecords, readMetadata, readSequence } from '../../lifecycle/records.ts';
import { lifecycle } from '../../protos/messages.ts';
import { refused } from '../reply.ts';
import { approvalsOf } from './commit.ts';
import { type Invocation, onChannel } from './parts.ts';
import { organizationRecords, publicRecords } from './simulated-records.ts';

/** What this peer's organisation approved, with the package it runs. Sequence 0 asks for the newest. */
export async function queryApproved(args: lifecycle.QueryApprovedChaincodeDefinitionArgs, invocation: Invocation): Promise<Uint8Array> {
  if (invocation.call.simulator === undefined) throw withoutState(args.name, invocation);
  const { simulator } = onChannel(invocation);
  const own = organizationRecords(simulator, invocation.parts.mspId);
  const { name } = args;
  const sequence = args.sequence === 0n ? await newestSequence(name, simulator, own) : args.sequence;
  const parameters = await readParameters(approvalName(name, sequence), own);
  const packageId = parameters && (await readPackageId(sourceName(name, sequence), own));
  if (parameters === undefined || packageId === undefined) {
    const { channelId } = invocation.call.proposal;
    throw refused(
      `could not fetch approved chaincode definition (name: '${name}', sequence: '${args.sequence}') on channel '${channelId}'`,
    );
  }
  const source = packageId === '' ? { unavailable: {} } : { localPackage: { packageId } };
  return lifecycle.QueryApprovedChaincodeDefinitionResult.encode({ sequence, ...parameters, source });
}

/** Fabric looks into the state first, and there is none without a channel. */
function withoutState(name: string, { call: { proposal } }: Invocation): Error {
  const why = `GET_STATE failed: transaction ID: ${proposal.txId}: no ledger context`;
  return refused(`could not get current sequence: could not get state for key namespaces/fields/${name}/Sequence: ${why}`);
}

/** The sequence after the committed one if it is approved already, else the committed one. */
async function newestSequence(name: string, simulator: TxSimulator, own: ReadableRecords): Promise<bigint> {
  const current = await readSequence(name, publicRecords(simulator));
  const next = await readMetadata(approvalName(name, current + 1n), own);
  return next === undefined ? current : current + 1n;
}

export async function queryDefinition({ name }: lifecycle.QueryChaincodeDefinitionArgs, invocation: Invocation): Promise<Uint8Array> {
  const channel = onChannel(invocation);
  const definition = await required(name, channel.simulator);
  const approvals = await approvalsOf(name, definition, channel);
  return lifecycle.QueryChaincodeDefinitionResult.encode({ ...definition, approvals });
}

export async function queryDefinitions(_: lifecycle.QueryChaincodeDefinitionsArgs, invocation: Invocation): Promise<Uint8Array> {
  const { simulator } = onChannel(invocation);
  const chaincodeDefinitions: lifecycle.QueryChaincodeDefinitionsResult_ChaincodeDefinitionInit[] = [];
  for (const name of await definedNames(simulator)) chaincodeDefinitions.push({ name, ...(await required(name, simulator)) });
  return lifecycle.QueryChaincodeDefinitionsResult.encode({ chaincodeDefinitions });
}

async function required(name: string, simulator: TxSimulator): Promise<LifecycleDefinition> {
  const definition = await readDefinition(name, publicRecords(simulator));
  if (definition === undefined) throw new SelvageError('NOT_FOUND', `namespace ${name} is not defined`);
  return definition;
}

const ALL = 'namespaces/metadata/';

/** Fabric's bounds: they are recorded. */
async function definedNames(simulator: TxSimulator): Promise<readonly string[]> {
  await using entries = simulator.getStateRange(LIFECYCLE, ALL, `${ALL}\x7f`);
  const names: string[] = [];
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) names.push(entry.key.slice(ALL.length));
  return names;
}
