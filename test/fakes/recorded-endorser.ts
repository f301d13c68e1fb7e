/** An endorser whose chaincodes and simulations repeat what a recorded answer says they did. */
import type { ChaincodeOutcome } from '../../src/chaincode/chaincodes.ts';
import { sha256 } from '../../src/common/bytes.ts';
import { Endorser, type EndorserOptions } from '../../src/endorser/endorser.ts';
import { DEFAULT_HANDLERS, loadHandlers } from '../../src/endorser/handlers/library.ts';
import type { TxSimulator } from '../../src/ledger/simulator/tx-simulator.ts';
import type { ChaincodeDefinition, Definitions } from '../../src/lifecycle/definitions.ts';
import { AclProvider } from '../../src/msp/acl-provider.ts';
import type { Signer } from '../../src/msp/identity.ts';
import { common, protos } from '../../src/protos/messages.ts';
import { keptHere } from './private-data.ts';
import { channelsOf, memoryChannel, type Network, recordedBundle, recordedLocalMsp } from './recorded-channel.ts';
import type { RecordedProposal } from './recorded-steps.ts';
import { ok, ScriptedChaincodes } from './scripted-chaincodes.ts';

/** Signs by hashing, so that a test can tell what was signed. */
export const hashingSigner: Signer = {
  mspId: 'Org1MSP',
  serialized: new TextEncoder().encode('the endorser'),
  sign: (message) => sha256(message),
};

export const definition = (name: string, version: string, changed: Partial<ChaincodeDefinition> = {}): ChaincodeDefinition => ({
  name,
  version,
  ccid: `${name}:${version}`,
  endorsementPlugin: 'escc',
  validationPlugin: 'vscc',
  validationParameter: new Uint8Array(),
  ...changed,
});

export interface Replay {
  readonly network: Network;
  readonly options?: EndorserOptions;
  /** What the chaincode answers where the recording has no action to repeat. */
  readonly otherwise?: () => ChaincodeOutcome;
  /** Chaincodes the channel does not have. */
  readonly missing?: readonly string[];
  readonly committed?: readonly string[];
}

/** Reading a network's certificates takes longer than a replay; what was read never changes. */
const networks = new Map<Network, ReturnType<typeof readNetwork>>();

function networkOf(network: Network) {
  const read = networks.get(network) ?? readNetwork(network);
  networks.set(network, read);
  return read;
}

const readNetwork = (network: Network) => ({
  bundle: recordedBundle(network),
  org1: recordedLocalMsp(network, 'Org1MSP'),
  org2: recordedLocalMsp(network, 'Org2MSP'),
});

/** Runs one recorded proposal through the whole endorser. */
export async function replay(recorded: RecordedProposal, { network, options, otherwise = ok, missing = [], committed = [] }: Replay) {
  const action = recordedAction(recorded);
  const channel = memoryChannel(networkOf(network).bundle);
  for (const txId of committed)
    channel.ledger.blocks.transactions.set(txId, { envelope: new Uint8Array(), validationCode: 0, blockNumber: 1n, index: 0 });
  const simulate = channel.ledger.simulate.bind(channel.ledger);
  channel.ledger.simulate = async (txId) => repeating(await simulate(txId), action?.results ?? new Uint8Array());
  const definitions: Definitions = {
    find: async (_state, name) =>
      missing.includes(name) ? undefined : definition(name, action?.chaincodeId?.version ?? '1.0', { initRequired: isInit(recorded) }),
    checkRunnable: async () => undefined,
  };
  const clock = { now: () => timeOf(recorded.signed) };
  const chaincodes = new ScriptedChaincodes(
    ({ kind, input }) => (kind === 'init' && input.isInit !== true ? ok() : outcomeOf(action, recorded, otherwise)),
    SYSTEM,
  );
  const localMsp = recorded.target === 'peer1' ? networkOf(network).org2 : networkOf(network).org1;
  const endorser = new Endorser({
    channels: channelsOf(channel),
    localMsp,
    access: new AclProvider({ localMsp }),
    signer: hashingSigner,
    chaincodes,
    definitions,
    systemChaincodes: [],
    privateData: keptHere,
    handlers: await loadHandlers(DEFAULT_HANDLERS, { clock, channels: channelsOf(channel) }),
    ...(options && { options }),
  });
  return endorser.processProposal(protos.SignedProposal.decode(recorded.signed), { signal: new AbortController().signal });
}

const SYSTEM = ['lscc', 'cscc', 'qscc', '_lifecycle'];

/** The recorded chaincode action, where the peer sent one. */
export function recordedAction({ response }: RecordedProposal): protos.ChaincodeAction | undefined {
  if (response === undefined || response.payload.length === 0) return undefined;
  return protos.ChaincodeAction.decode(protos.ProposalResponsePayload.decode(response.payload).extension);
}

/** Whether a proposal is the initialisation that its definition requires. */
function isInit({ signed }: RecordedProposal): boolean {
  try {
    const { payload } = protos.Proposal.decode(protos.SignedProposal.decode(signed).proposalBytes);
    const { input } = protos.ChaincodeProposalPayload.decode(payload);
    return protos.ChaincodeInvocationSpec.decode(input).chaincodeSpec?.input?.isInit === true;
  } catch {
    return false;
  }
}

function outcomeOf(
  action: protos.ChaincodeAction | undefined,
  { response }: RecordedProposal,
  otherwise: () => ChaincodeOutcome,
): ChaincodeOutcome {
  const answered = action?.response ?? response?.response;
  if (answered === undefined) return otherwise();
  const event = action === undefined || action.events.length === 0 ? undefined : protos.ChaincodeEvent.decode(action.events);
  return { response: answered, event };
}

/** When the client made the proposal: by then its certificate was valid, and still is in ten years. */
function timeOf(signed: Uint8Array): Date {
  try {
    const { header } = protos.Proposal.decode(protos.SignedProposal.decode(signed).proposalBytes);
    const { timestamp } = common.ChannelHeader.decode(common.Header.decode(header).channelHeader);
    return new Date(Number(timestamp?.seconds ?? 0n) * 1_000);
  } catch {
    return new Date(0);
  }
}

/** The simulation itself, but its results are the recorded ones. */
function repeating(simulator: TxSimulator, publicRwset: Uint8Array): TxSimulator {
  return new Proxy(simulator, {
    get(target, name) {
      if (name === 'result') return async () => ({ ...(await target.result()), publicRwset });
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
