/** Calls of the system chaincode `_lifecycle`, the chaincode lifecycle of Fabric 2.x. */
import type { Cancellable } from '../common/cancel.ts';
import { lifecycle, type protos } from '../protos/messages.ts';
import type { ProposalSpec } from './proposal.ts';
import { evaluate, type RefusalText } from './submit.ts';
import type { Caller } from './system-calls.ts';

const LIFECYCLE = '_lifecycle';

/** What organisations approve and a channel commits. Plugins and policy that are left out become the channel's defaults. */
export interface DefinitionSpec {
  readonly channelId: string;
  readonly name: string;
  readonly version: string;
  /** From 1 on, one more for each change of the definition. */
  readonly sequence: bigint;
  readonly endorsementPlugin?: string | undefined;
  readonly validationPlugin?: string | undefined;
  /** `ApplicationPolicy` bytes. */
  readonly validationParameter?: Uint8Array | undefined;
  readonly collections?: protos.CollectionConfigPackageInit | undefined;
  readonly initRequired?: boolean | undefined;
}

const failedWith =
  (what: string): RefusalText =>
  ({ status, message }) =>
    `${what} failed with status: ${status} - ${message}`;

/** How a refused approval or commit is told, in the words of Fabric's command line. */
export const PROPOSAL_REFUSED: RefusalText = failedWith('proposal');
const QUERY_REFUSED = failedWith('query');

const call = (
  { peer, signer }: Caller,
  channelId: string,
  args: ProposalSpec['args'],
  { signal }: Cancellable,
  refusal: RefusalText,
): Promise<protos.Response> => evaluate(peer, signer, { channelId, chaincode: LIFECYCLE, args }, { signal, refusal });

/** Stores a `.tar.gz` package on a peer and has it built there; needs an Admin. */
export async function installPackage(
  caller: Caller,
  packageBytes: Uint8Array,
  options: Cancellable,
): Promise<lifecycle.InstallChaincodeResult> {
  const args = lifecycle.InstallChaincodeArgs.encode({ chaincodeInstallPackage: packageBytes });
  const { payload } = await call(caller, '', ['InstallChaincode', args], options, failedWith('chaincode install'));
  return lifecycle.InstallChaincodeResult.decode(payload);
}

export async function installedPackages(caller: Caller, options: Cancellable): Promise<lifecycle.QueryInstalledChaincodesResult> {
  const args = lifecycle.QueryInstalledChaincodesArgs.encode({});
  const { payload } = await call(caller, '', ['QueryInstalledChaincodes', args], options, QUERY_REFUSED);
  return lifecycle.QueryInstalledChaincodesResult.decode(payload);
}

/** The package as it was installed. */
export async function installedPackage(caller: Caller, packageId: string, options: Cancellable): Promise<Uint8Array> {
  const args = lifecycle.GetInstalledChaincodePackageArgs.encode({ packageId });
  const { payload } = await call(caller, '', ['GetInstalledChaincodePackage', args], options, PROPOSAL_REFUSED);
  return lifecycle.GetInstalledChaincodePackageResult.decode(payload).chaincodeInstallPackage;
}

/** The proposal by which an Admin's organisation approves a definition. @param packageId the package that its peers run; undefined for none */
export function approveProposal({ channelId, ...definition }: DefinitionSpec, packageId: string | undefined): ProposalSpec {
  const source = packageId === undefined ? { unavailable: {} } : { localPackage: { packageId } };
  const args = lifecycle.ApproveChaincodeDefinitionForMyOrgArgs.encode({ ...definition, source });
  return { channelId, chaincode: LIFECYCLE, args: ['ApproveChaincodeDefinitionForMyOrg', args] };
}

/** The proposal that puts a definition in force; enough organisations must have approved it. */
export function commitProposal({ channelId, ...definition }: DefinitionSpec): ProposalSpec {
  const args = lifecycle.CommitChaincodeDefinitionArgs.encode(definition);
  return { channelId, chaincode: LIFECYCLE, args: ['CommitChaincodeDefinition', args] };
}

/** Which organisations have approved exactly this definition. */
export async function commitReadiness(
  caller: Caller,
  { channelId, ...definition }: DefinitionSpec,
  options: Cancellable,
): Promise<lifecycle.CheckCommitReadinessResult> {
  const args = lifecycle.CheckCommitReadinessArgs.encode(definition);
  const { payload } = await call(caller, channelId, ['CheckCommitReadiness', args], options, QUERY_REFUSED);
  return lifecycle.CheckCommitReadinessResult.decode(payload);
}

/** Which definition on which channel. */
export interface DefinitionName {
  readonly channelId: string;
  readonly name: string;
}

/** What the peer's own organisation has approved. @param sequence 0 for the latest */
export async function approvedDefinition(
  caller: Caller,
  { channelId, name, sequence = 0n }: DefinitionName & { readonly sequence?: bigint },
  options: Cancellable,
): Promise<lifecycle.QueryApprovedChaincodeDefinitionResult> {
  const args = lifecycle.QueryApprovedChaincodeDefinitionArgs.encode({ name, sequence });
  const { payload } = await call(caller, channelId, ['QueryApprovedChaincodeDefinition', args], options, QUERY_REFUSED);
  return lifecycle.QueryApprovedChaincodeDefinitionResult.decode(payload);
}

/** @throws {SelvageError} `REFUSED_BY_PEER` with `details.status` 404 when the channel has no such definition */
export async function committedDefinition(
  caller: Caller,
  { channelId, name }: DefinitionName,
  options: Cancellable,
): Promise<lifecycle.QueryChaincodeDefinitionResult> {
  const args = lifecycle.QueryChaincodeDefinitionArgs.encode({ name });
  const { payload } = await call(caller, channelId, ['QueryChaincodeDefinition', args], options, QUERY_REFUSED);
  return lifecycle.QueryChaincodeDefinitionResult.decode(payload);
}

export async function committedDefinitions(
  caller: Caller,
  channelId: string,
  options: Cancellable,
): Promise<lifecycle.QueryChaincodeDefinitionsResult> {
  const args = lifecycle.QueryChaincodeDefinitionsArgs.encode({});
  const { payload } = await call(caller, channelId, ['QueryChaincodeDefinitions', args], options, QUERY_REFUSED);
  return lifecycle.QueryChaincodeDefinitionsResult.decode(payload);
}
