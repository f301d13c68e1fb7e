/** Calls of system chaincodes, made from recorded proposals or from nothing. */
import type { ChaincodeCall } from '../../src/chaincode/chaincodes.ts';
import type { TxSimulator } from '../../src/ledger/simulator/tx-simulator.ts';
import { common, protos } from '../../src/protos/messages.ts';
import { bytesOf, creatorOf, proposal } from './proposals.ts';
import type { RecordedProposal } from './recorded-steps.ts';

/** The chaincode a recorded proposal names. */
export const chaincodeOf = ({ signed }: RecordedProposal): string | undefined => {
  try {
    const { extension } = channelHeaderOf(protos.SignedProposal.decode(signed));
    return protos.ChaincodeHeaderExtension.decode(extension).chaincodeId?.name;
  } catch {
    return undefined;
  }
};

const headerOf = ({ proposalBytes }: protos.SignedProposal) => common.Header.decode(protos.Proposal.decode(proposalBytes).header);
const channelHeaderOf = (signed: protos.SignedProposal) => common.ChannelHeader.decode(headerOf(signed).channelHeader);

/** The call that the endorser makes of a recorded proposal to a system chaincode. */
export function callOf(recorded: RecordedProposal, simulator: TxSimulator | undefined): ChaincodeCall {
  const signedProposal = protos.SignedProposal.decode(recorded.signed);
  const { channelId, txId } = channelHeaderOf(signedProposal);
  const { creator } = common.SignatureHeader.decode(headerOf(signedProposal).signatureHeader);
  const payload = protos.ChaincodeProposalPayload.decode(protos.Proposal.decode(signedProposal.proposalBytes).payload);
  const { chaincodeSpec } = protos.ChaincodeInvocationSpec.decode(payload.input);
  return {
    chaincode: { name: 'scc', version: '', ccid: 'scc:' },
    kind: 'transaction',
    input: { args: chaincodeSpec?.input?.args },
    proposal: { signedProposal, channelId, txId, creator },
    simulator,
  };
}

/** A call by nobody in particular. @param changed `chaincode` is the one that the signed invocation names */
export const call = (
  args: readonly (string | Uint8Array)[],
  changed: { readonly channelId?: string; readonly simulator?: TxSimulator; readonly chaincode?: string } = {},
): ChaincodeCall => ({
  chaincode: { name: 'scc', version: '', ccid: 'scc:' },
  kind: 'transaction',
  input: { args: args.map(bytesOf) },
  proposal: {
    signedProposal: proposal({ invocation: invoking(changed.chaincode ?? 'scc') }),
    channelId: changed.channelId ?? 'ch',
    txId: 't',
    creator: creatorOf('user'),
  },
  simulator: changed.simulator,
});

const invoking = (name: string): Uint8Array =>
  protos.ChaincodeInvocationSpec.encode({ chaincodeSpec: { chaincodeId: { name }, input: {} } });

/** The message of the chaincode in a recorded failure of 1.1. */
export const messageIn = ({ grpcMessage, response }: RecordedProposal): string =>
  /^chaincode error \(status: 500, message: (.*)\)$/s.exec(grpcMessage)?.[1] ?? response?.response?.message ?? '';
