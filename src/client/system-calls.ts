import type { Cancellable } from '../common/cancel.ts';
import type { Signer } from '../msp/identity.ts';
import { common, protos } from '../protos/messages.ts';
import type { PeerClient } from './peer-client.ts';
import type { ProposalSpec } from './proposal.ts';
import { evaluate, type RefusalText } from './submit.ts';

/** Who asks which peer. */
export interface Caller {
  readonly peer: PeerClient;
  readonly signer: Signer;
}

/** What to ask a system chaincode, and how its refusal is told. */
interface Question extends ProposalSpec {
  readonly refusal: RefusalText;
}

const call = ({ peer, signer }: Caller, { refusal, ...spec }: Question, { signal }: Cancellable): Promise<protos.Response> =>
  evaluate(peer, signer, spec, { signal, refusal });

/** In the words of Fabric's command line, each with its own. */
const told =
  (start: string, between: string): RefusalText =>
  ({ status, message }) =>
    `${start} ${status}${between}${message}`;

const LIST_REFUSED = told('bad response:', ' - ');

/** Stores a chaincode package (raw or signed deployment spec) on a peer; needs an Admin. */
export const install = (caller: Caller, packageBytes: Uint8Array, options: Cancellable): Promise<protos.Response> =>
  call(
    caller,
    { channelId: '', chaincode: 'lscc', args: ['install', packageBytes], refusal: told('install failed with status:', ' - ') },
    options,
  );

/** Arguments of an instantiation or upgrade for `lscc`. Empty optional parts at the end are left out. */
export interface DeployArguments {
  readonly channelId: string;
  /** `ChaincodeDeploymentSpec` bytes without code. */
  readonly deploymentSpec: Uint8Array;
  /** `SignaturePolicyEnvelope` bytes. */
  readonly policy?: Uint8Array | undefined;
  readonly escc?: string | undefined;
  readonly vscc?: string | undefined;
  /** `CollectionConfigPackage` bytes. */
  readonly collections?: Uint8Array | undefined;
}

/** The proposal that instantiates (`deploy`) or upgrades a chaincode. */
export function deployProposal(
  verb: 'deploy' | 'upgrade',
  { channelId, deploymentSpec, policy, escc = 'escc', vscc = 'vscc', collections }: DeployArguments,
): ProposalSpec {
  const args = [verb, channelId, deploymentSpec, policy ?? new Uint8Array(0), escc, vscc];
  return { channelId, chaincode: 'lscc', args: collections === undefined ? args : [...args, collections] };
}

export async function installedChaincodes(caller: Caller, options: Cancellable): Promise<readonly protos.ChaincodeInfo[]> {
  const { payload } = await call(
    caller,
    { channelId: '', chaincode: 'lscc', args: ['getinstalledchaincodes'], refusal: LIST_REFUSED },
    options,
  );
  return protos.ChaincodeQueryResponse.decode(payload).chaincodes;
}

export async function instantiatedChaincodes(
  caller: Caller,
  channelId: string,
  options: Cancellable,
): Promise<readonly protos.ChaincodeInfo[]> {
  const { payload } = await call(caller, { channelId, chaincode: 'lscc', args: ['getchaincodes'], refusal: LIST_REFUSED }, options);
  return protos.ChaincodeQueryResponse.decode(payload).chaincodes;
}

/** Makes the peer join a channel; needs an Admin. @param genesisBlock the channel's block 0 as it came */
export async function joinChannel(caller: Caller, genesisBlock: Uint8Array, options: Cancellable): Promise<void> {
  const refusal: RefusalText = ({ status, message }) => `proposal failed (err: bad proposal response ${status}: ${message})`;
  await call(caller, { channelId: '', chaincode: 'cscc', args: ['JoinChain', genesisBlock], refusal }, options);
}

/** Makes the peer join a channel by a snapshot in a folder of its own; it goes on with that after it has answered. */
export async function joinChannelBySnapshot(caller: Caller, folder: string, options: Cancellable): Promise<void> {
  const refusal: RefusalText = ({ status, message }) => `proposal failed (err: bad proposal response ${status}: ${message})`;
  await call(caller, { channelId: '', chaincode: 'cscc', args: ['JoinChainBySnapshot', folder], refusal }, options);
}

/** Whether the peer is joining a channel by a snapshot, and from which folder. */
export async function joinBySnapshotStatus(caller: Caller, options: Cancellable): Promise<protos.JoinBySnapshotStatus> {
  const refusal = told('received bad response, status', ': ');
  const { payload } = await call(caller, { channelId: '', chaincode: 'cscc', args: ['JoinBySnapshotStatus'], refusal }, options);
  return protos.JoinBySnapshotStatus.decode(payload);
}

/** Names of the channels that the peer has joined. */
export async function joinedChannels(caller: Caller, options: Cancellable): Promise<readonly string[]> {
  const { payload } = await call(
    caller,
    { channelId: '', chaincode: 'cscc', args: ['GetChannels'], refusal: told('Received bad response, status', ': ') },
    options,
  );
  return protos.ChannelQueryResponse.decode(payload).channels.map(({ channelId }) => channelId);
}

export async function chainInfo(caller: Caller, channelId: string, options: Cancellable): Promise<common.BlockchainInfo> {
  const { payload } = await call(
    caller,
    { channelId, chaincode: 'qscc', args: ['GetChainInfo', channelId], refusal: told('received bad response, status', ': ') },
    options,
  );
  return common.BlockchainInfo.decode(payload);
}
