/** Deploying by the 2.x lifecycle: install, approve, commit. */
import { readFile } from 'node:fs/promises';
import { approvedOrNone, committedOrNone, isApprovedAlready, packageIn } from '../../client/deployment/agreed.ts';
import { CHANNEL_POLICY, differences } from '../../client/deployment/definition-differences.ts';
import { installOn, withoutPackage } from '../../client/deployment/installation.ts';
import { approveProposal, commitProposal, type DefinitionSpec, PROPOSAL_REFUSED } from '../../client/lifecycle-calls.ts';
import { type Submission, submit } from '../../client/submit.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { fileReason } from '../../common/file-reason.ts';
import { buildLifecyclePackage, parseLifecyclePackage } from '../../packages/lifecycle-package.ts';
import { packSources } from '../../packages/platforms/platforms.ts';
import { common, type lifecycle, protos } from '../../protos/messages.ts';
import { type Deployment, type DevChaincode, type DevSource, refuseInvalid } from './deployment.ts';
import type { DevClient, DevClients } from './dev-clients.ts';

interface PackedChaincode {
  readonly bytes: Uint8Array;
  readonly id: string;
  readonly type: string;
}

/**
 * Installs the package on every peer. Where the channel has the same definition already, every organisation approves the package for
 * it; otherwise they approve and commit a new one, with the next sequence, and Init is called if there are arguments for it.
 * The version of sequence 2 is `2.0`.
 *
 * @throws {SelvageError} `REFUSED_BY_PEER` with the peer's reason; `CHAINCODE_PACKAGE_INVALID`
 */
export async function deployByLifecycle(clients: DevClients, chaincode: DevChaincode, options: Cancellable): Promise<Deployment> {
  const [packed, current] = await Promise.all([packedOf(chaincode.name, chaincode), currentDefinition(clients, chaincode.name, options)]);
  const sequence = current?.sequence ?? 0n;
  const wanted = current !== undefined && isSame(current, chaincode) ? sequence : sequence + 1n;
  const definition = definitionOf(clients, chaincode, wanted);
  await installEverywhere(clients, packed, options);
  const stale = wanted === sequence ? await approvingOthers(clients, definition, packed.id, options) : clients.admins;
  const { version } = definition;
  const result = { version, package: { id: packed.id, type: packed.type, sequence: wanted } };
  if (stale.length === 0) return { did: 'nothing', ...result };
  chaincode.onInstalled?.({ version, bytes: packed.bytes.length, packageId: packed.id });
  const change: Change = { clients, chaincode, definition, packed, launched: launched(chaincode, packed, version) };
  if (wanted === sequence) return { did: 'upgraded', ...result, submission: await replacePackage(change, stale, options) };
  return { did: sequence === 0n ? 'committed' : 'upgraded', ...result, submission: await define(change, options) };
}

/** What is to be approved, of a package that is installed and being started. */
interface Change {
  readonly clients: DevClients;
  readonly chaincode: DevChaincode;
  readonly definition: DefinitionSpec;
  readonly packed: PackedChaincode;
  readonly launched: Promise<unknown>;
}

/** A service is started by the user, who may need its id for that. */
function launched({ name, launch }: DevChaincode, { id, type }: PackedChaincode, version: string): Promise<unknown> {
  const launching = (type.toLowerCase() === 'ccaas' ? undefined : launch?.({ name, version, ccid: id })) ?? Promise.resolve();
  launching.catch(() => undefined); // heard before the channel has it
  return launching;
}

/** For the definition that the channel has: what runs is replaced only by what is seen to start. */
async function replacePackage(change: Change, stale: readonly DevClient[], options: Cancellable): Promise<Submission> {
  await change.launched;
  return lastOf(await approve(change, stale, options));
}

async function define(change: Change, options: Cancellable): Promise<Submission> {
  const { clients, chaincode, definition } = change;
  await approve(change, clients.admins, options);
  await change.launched;
  const committed = await send(clients, clients.admins, commitProposal(definition), 'commit', options);
  if (!needsInit(chaincode)) return committed;
  const call = { channelId: clients.channel, chaincode: chaincode.name, args: chaincode.init, isInit: true };
  return send(clients, clients.admins, call, 'Init', options);
}

async function packedOf(label: string, source: DevSource): Promise<PackedChaincode> {
  const bytes = 'folder' in source ? await packageOfFolder(label, source.folder) : await readPackage(source.packageFile);
  const { packageId, type } = await parseLifecyclePackage(bytes);
  return { bytes, id: packageId, type };
}

async function packageOfFolder(label: string, folder: string): Promise<Uint8Array> {
  const { type, path, codePackage } = await packSources(folder, undefined, { sourcesOnly: true });
  // Only Go needs the path; where the folder lies must not change the package.
  return buildLifecyclePackage({ label, type: type.toLowerCase(), path: type === 'GOLANG' ? path : '', codePackage });
}

function readPackage(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: unknown) => {
    throw new SelvageError('SETTING_INVALID', `cannot read ${file}: ${fileReason(file, cause)}`, {
      cause,
      advice: 'Check the path and who may read it.',
    });
  });
}

type Committed = lifecycle.QueryChaincodeDefinitionResult;

/** Undefined when the channel has none of that name. */
async function currentDefinition(clients: DevClients, name: string, options: Cancellable): Promise<Committed | undefined> {
  const [first] = clients.admins;
  if (first === undefined) throw new SelvageError('INTERNAL', 'no organisation');
  return committedOrNone(first, { channelId: clients.channel, name }, options);
}

/** The organisations that have not approved this package for the definition that is in force. */
async function approvingOthers(
  { admins }: DevClients,
  definition: DefinitionSpec,
  packageId: string,
  options: Cancellable,
): Promise<readonly DevClient[]> {
  const approved = await Promise.all(admins.map((admin) => approvedOrNone(admin, definition, options)));
  return admins.filter((_, at) => packageIn(approved[at]) !== packageId);
}

const definitionOf = ({ channel }: DevClients, chaincode: DevChaincode, sequence: bigint): DefinitionSpec => ({
  channelId: channel,
  name: chaincode.name,
  version: `${sequence}.0`,
  sequence,
  validationParameter: validationParameter(chaincode),
  collections: chaincode.collections,
  initRequired: needsInit(chaincode),
});

/** What the user can change is as it was; the rest of a definition is ours and constant. */
const isSame = (current: Committed, chaincode: DevChaincode): boolean =>
  differences(current, {
    ...current,
    validationParameter: validationParameter(chaincode),
    collections: chaincode.collections,
    initRequired: needsInit(chaincode),
  }).length === 0;

const needsInit = ({ init }: DevChaincode): boolean => init.length > 0;

const validationParameter = ({ policy }: DevChaincode): Uint8Array =>
  policy === undefined
    ? CHANNEL_POLICY
    : protos.ApplicationPolicy.encode({ signaturePolicy: common.SignaturePolicyEnvelope.decode(policy) });

/** Installs where it is missing. */
async function installEverywhere({ admins }: DevClients, { id, bytes }: PackedChaincode, options: Cancellable): Promise<void> {
  await installOn(await withoutPackage(admins, id, options), bytes, options);
}

/** Each organisation approves by its own peer. An approval of a run that was broken off is good as it is. */
async function approve(
  { clients, definition, packed }: Change,
  admins: readonly DevClient[],
  options: Cancellable,
): Promise<readonly Submission[]> {
  const proposal = approveProposal(definition, packed.id);
  const approvals = await Promise.all(
    admins.map((admin) =>
      send(clients, [admin], proposal, 'approval', options).catch((thrown: unknown) => {
        if (isApprovedAlready(thrown)) return undefined;
        throw thrown;
      }),
    ),
  );
  return approvals.flatMap((each) => each ?? []);
}

/** Endorsed by the peers of `by`, and on the ledger of every peer afterwards. */
async function send(
  { orderer, admins }: DevClients,
  by: readonly DevClient[],
  proposal: Parameters<typeof submit>[1],
  what: string,
  options: Cancellable,
): Promise<Submission> {
  const [first] = by;
  if (first === undefined) throw new SelvageError('INTERNAL', 'nobody to send by');
  const [endorsers, listeners] = [by, admins].map((each) => each.map(({ peer }) => peer));
  const parts = { signer: first.signer, endorsers: endorsers ?? [], orderer, listeners: listeners ?? [], refusal: PROPOSAL_REFUSED };
  const submission = await submit(parts, proposal, options);
  refuseInvalid(submission, what);
  return submission;
}

function lastOf(submissions: readonly Submission[]): Submission {
  const last = submissions.at(-1);
  if (last === undefined) throw new SelvageError('INTERNAL', 'no organisation approved');
  return last;
}
