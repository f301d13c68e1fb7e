/**
 * The form of a proposal as peers of 1.1 judge it, for channels of the legacy lifecycle.
 * @see ValidateProposalMessage in hyperledger/fabric v1.1, core/common/validation/msgvalidation.go
 */
import { SelvageError } from '../common/errors.ts';
import { txIdOf } from '../protos/hashes.ts';
import { common, msp, protos } from '../protos/messages.ts';
import { OF_STRANGERS } from '../protos/wire.ts';
import { headerTypeName, type ProposalHeaders, type ProposalTarget, readInput } from './proposal.ts';
import { refusal } from './refusal.ts';

/** Header types that reach the later checks. CONFIG is run like ENDORSER_TRANSACTION (recorded, 1.1 and 2.4). */
const KNOWN_TYPES: ReadonlySet<number> = new Set([
  common.HeaderType.CONFIG,
  common.HeaderType.CONFIG_UPDATE,
  common.HeaderType.ENDORSER_TRANSACTION,
]);

/** @throws {SelvageError} `PROPOSAL_REFUSED`; the first wrong thing decides the text */
export function checkHeaders({ channelHeader, signatureHeader }: ProposalHeaders): void {
  if (!KNOWN_TYPES.has(channelHeader.type)) throw refusal(`invalid header type ${headerTypeName(channelHeader.type, '1.1')}`);
  if (channelHeader.epoch !== 0n) throw refusal(`invalid Epoch in ChannelHeader. Expected 0, got [${channelHeader.epoch}]`);
  if (signatureHeader.nonce.length === 0) throw refusal('invalid nonce specified in the header');
  if (signatureHeader.creator.length === 0) throw refusal('invalid creator specified in the header');
}

/** One text for every cause, a channel that is not here included. */
export const creatorRefusal = ({ channelHeader, signatureHeader }: ProposalHeaders): SelvageError =>
  refusal(`access denied: channel [${channelHeader.channelId}] creator org [${claimedMsp(signatureHeader.creator)}]`);

export function checkTxId({ channelHeader, signatureHeader }: ProposalHeaders): void {
  const expected = txIdOf(signatureHeader.nonce, signatureHeader.creator);
  if (channelHeader.txId !== expected) throw refusal(`Transaction is not valid. Got [${channelHeader.txId}], expected [${expected}]`);
}

/** An empty payload is read as no arguments: it is {@link checkPayload} that refuses it, and late. */
export function readTarget({ channelHeader, proposal }: ProposalHeaders): ProposalTarget {
  if (channelHeader.type === common.HeaderType.CONFIG_UPDATE) throw refusal(`unsupported proposal type ${channelHeader.type}`);
  const chaincodeId = readChaincodeId(channelHeader.extension);
  if (proposal.payload.length === 0) return { chaincodeId, input: { args: [], decorations: new Map(), isInit: false } };
  return { chaincodeId, input: readInput(proposal, '1.1') };
}

/**
 * 1.1 asked LSCC for the definition with the client's own proposal, which LSCC could not read without a payload. For a system
 * chaincode nobody was asked, and the peer crashed: that is refused as a proposal without an invocation.
 * @throws {SelvageError} `SIMULATION_FAILED`, to be answered with status 500, or `PROPOSAL_REFUSED`
 */
export function checkPayload(
  { proposal, chaincodeId: { name } }: ProposalHeaders & ProposalTarget,
  isSystem: (name: string) => boolean,
): void {
  if (proposal.payload.length > 0) return;
  if (isSystem(name)) throw refusal('chaincode invocation spec did not contain chaincode spec');
  const unread = "failed extracting signedProposal fields: Proposal's payload is nil";
  throw new SelvageError(
    'SIMULATION_FAILED',
    `make sure the chaincode ${name} has been successfully instantiated and try again: ` +
      `error executing chaincode: transaction returned with failure: ${unread}`,
  );
}

function readChaincodeId(bytes: Uint8Array): protos.ChaincodeID {
  const extension = decodeExtension(bytes);
  if (extension.chaincodeId === undefined) throw refusal('ChaincodeHeaderExtension.ChaincodeId is nil');
  if (extension.payloadVisibility !== undefined) throw refusal('invalid payload visibility field'); // empty but encoded counts
  return extension.chaincodeId;
}

function decodeExtension(bytes: Uint8Array): protos.ChaincodeHeaderExtension {
  try {
    return protos.ChaincodeHeaderExtension.decode(bytes, { strict: true, ...OF_STRANGERS });
  } catch (cause) {
    throw refusal('invalid header extension for type CHAINCODE', cause);
  }
}

function claimedMsp(creator: Uint8Array): string {
  try {
    return msp.SerializedIdentity.decode(creator, OF_STRANGERS).mspid;
  } catch {
    return '';
  }
}
