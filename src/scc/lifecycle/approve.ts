import { equalBytes, hex } from '../../common/bytes.ts';
import {
  approvalName,
  type DefinitionParameters,
  type LifecycleDefinition,
  packageRecord,
  parametersRecord,
  readDefinition,
  readPackageId,
  readParameters,
  sourceName,
} from '../../lifecycle/lifecycle-definition.ts';
import { type ReadableRecords, readSequence, writeRecord } from '../../lifecycle/records.ts';
import { lifecycle, protos } from '../../protos/messages.ts';
import { refused } from '../reply.ts';
import { type Invocation, onChannel } from './parts.ts';
import { requestedDefinition } from './requested-definition.ts';
import { organizationRecords, publicRecords } from './simulated-records.ts';
import { checkRequest } from './validation.ts';

/**
 * Records that this peer's organisation agrees to a definition, and which package it runs for it.
 * @see ApproveChaincodeDefinitionForOrg in hyperledger/fabric v2.5, core/chaincode/lifecycle/lifecycle.go
 */
export async function approve(args: lifecycle.ApproveChaincodeDefinitionForMyOrgArgs, invocation: Invocation): Promise<Uint8Array> {
  await checkRequest(args, invocation);
  const { bundle, simulator } = onChannel(invocation);
  const committed = publicRecords(simulator);
  const own = organizationRecords(simulator, invocation.parts.mspId);
  const { name, sequence } = args;
  const packageId = args.source?.localPackage?.packageId ?? '';

  const current = await readSequence(name, committed);
  checkSequence(sequence, current);
  const definition = requestedDefinition(args, bundle);
  if (sequence === current) await checkUnchanged(name, definition, committed);
  else await checkNews({ name, definition, packageId }, own);
  await writeRecord(approvalName(name, sequence), parametersRecord(definition), own);
  await writeRecord(sourceName(name, sequence), packageRecord(packageId), own);
  return lifecycle.ApproveChaincodeDefinitionForMyOrgResult.encode({});
}

/** The committed sequence or the next one. */
function checkSequence(requested: bigint, current: bigint): void {
  if (requested === 0n && current === 0n) throw refused('requested sequence is 0, but first definable sequence number is 1');
  if (requested < current) throw refused(`currently defined sequence ${current} is larger than requested sequence ${requested}`);
  if (requested > current + 1n)
    throw refused(`requested sequence ${requested} is larger than the next available sequence number ${current + 1n}`);
}

/** What is committed can be approved again, for another package, but not otherwise. */
async function checkUnchanged(name: string, definition: LifecycleDefinition, committed: ReadableRecords): Promise<void> {
  const { sequence } = definition;
  const current = await readDefinition(name, committed);
  if (current === undefined) throw refused(`missing metadata for currently committed sequence number (${sequence})`);
  const difference = differenceOf(current, definition);
  if (difference === undefined) return;
  throw refused(
    `attempted to redefine the current committed sequence (${sequence}) for namespace ${name} with different parameters: ${difference}`,
  );
}

interface Approval {
  readonly name: string;
  readonly definition: LifecycleDefinition;
  readonly packageId: string;
}

/** What is not committed can be approved again with other content: the same would be a transaction that writes nothing. */
async function checkNews({ name, definition, packageId }: Approval, own: ReadableRecords): Promise<void> {
  const { sequence } = definition;
  const approved = await readParameters(approvalName(name, sequence), own);
  if (approved === undefined || differenceOf(approved, definition) !== undefined) return;
  if ((await readPackageId(sourceName(name, sequence), own)) === packageId)
    throw refused(`attempted to redefine uncommitted sequence (${sequence}) for namespace ${name} with unchanged content`);
}

/** What tells two definitions apart, in Fabric's words; undefined when nothing does. */
function differenceOf(expected: DefinitionParameters, passed: DefinitionParameters): string | undefined {
  const fields = [
    ['Version', expected.version, passed.version],
    ['EndorsementPlugin', expected.endorsementPlugin, passed.endorsementPlugin],
    ['InitRequired', String(expected.initRequired), String(passed.initRequired)],
    ['ValidationPlugin', expected.validationPlugin, passed.validationPlugin],
    ['ValidationParameter', hex(expected.validationParameter), hex(passed.validationParameter)],
  ] as const;
  const differing = fields.find(([, ours, theirs]) => ours !== theirs);
  if (differing !== undefined) {
    const [field, ours, theirs] = differing;
    return `expected ${field} '${ours}' does not match passed ${field} '${theirs}'`;
  }
  const [ours, theirs] = [expected, passed].map(({ collections }) => protos.CollectionConfigPackage.encode(collections));
  return ours !== undefined && theirs !== undefined && equalBytes(ours, theirs) ? undefined : 'Collections do not match';
}
