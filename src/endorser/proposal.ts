/** What a signed proposal says, and the checks of its form that need nobody else: no channel, no identity, no ledger. */
import { common, protos } from '../protos/messages.ts';
import { reading, refusal } from './refusal.ts';

/** The proposal down to its headers, as received. Bytes are views of the request. */
export interface ProposalHeaders {
  readonly signed: protos.SignedProposal;
  readonly proposal: protos.Proposal;
  /** The two headers' bytes as received: both are hashed. */
  readonly header: common.Header;
  readonly channelHeader: common.ChannelHeader;
  readonly signatureHeader: common.SignatureHeader;
}

/** What the proposal wants done. */
export interface ProposalTarget {
  /** The chaincode named in the header extension, which is the one that runs; the version in it means nothing. */
  readonly chaincodeId: protos.ChaincodeID;
  readonly input: protos.ChaincodeInput;
}

/** A proposal that passed every check, with everything later steps need. */
export interface UnpackedProposal extends ProposalHeaders, ProposalTarget {
  readonly channelId: string;
  readonly txId: string;
  readonly creator: Uint8Array;
}

/** Header types that reach the later checks. CONFIG is run like ENDORSER_TRANSACTION (recorded, 1.1 and 2.4). */
const KNOWN_TYPES: ReadonlySet<number> = new Set([
  common.HeaderType.CONFIG,
  common.HeaderType.CONFIG_UPDATE,
  common.HeaderType.ENDORSER_TRANSACTION,
]);

/** Known wire types only, as 1.1 decoded: a field with a foreign wire type is no proposal of an honest client. */
const strict = { strict: true } as const;

/**
 * Reads the headers and checks them in Fabric's order, so that the first wrong thing decides the text.
 * @throws {SelvageError} `PROPOSAL_REFUSED`
 * @see ValidateProposalMessage in hyperledger/fabric v1.1, core/common/validation/msgvalidation.go
 */
export function readHeaders(signed: protos.SignedProposal): ProposalHeaders {
  const proposal = reading('', () => protos.Proposal.decode(signed.proposalBytes, strict));
  const header = reading('', () => common.Header.decode(proposal.header, strict));
  const channelHeader = reading('', () => common.ChannelHeader.decode(header.channelHeader, strict));
  const signatureHeader = reading('', () => common.SignatureHeader.decode(header.signatureHeader, strict));
  if (!KNOWN_TYPES.has(channelHeader.type)) throw refusal(`invalid header type ${headerTypeName(channelHeader.type)}`);
  if (channelHeader.epoch !== 0n) throw refusal(`invalid Epoch in ChannelHeader. Expected 0, got [${channelHeader.epoch}]`);
  if (signatureHeader.nonce.length === 0) throw refusal('invalid nonce specified in the header');
  if (signatureHeader.creator.length === 0) throw refusal('invalid creator specified in the header');
  return { signed, proposal, header, channelHeader, signatureHeader };
}

/**
 * Reads which chaincode is called with what. Beyond 1.1 it refuses an invocation without spec or input, which crashed it
 * (FAB-12287).
 * @throws {SelvageError} `PROPOSAL_REFUSED`
 * @see validateChaincodeProposalMessage in hyperledger/fabric v1.1, UnpackProposal in v2.5 core/endorser/msgvalidation.go
 */
export function readTarget({ channelHeader, proposal }: ProposalHeaders): ProposalTarget {
  if (channelHeader.type === common.HeaderType.CONFIG_UPDATE) throw refusal(`unsupported proposal type ${channelHeader.type}`);
  const chaincodeId = readChaincodeId(channelHeader.extension);
  const payload = reading('', () => protos.ChaincodeProposalPayload.decode(proposal.payload, strict));
  const invocation = reading('', () => protos.ChaincodeInvocationSpec.decode(payload.input, strict));
  if (invocation.chaincodeSpec === undefined) throw refusal('chaincode invocation spec did not contain chaincode spec');
  const { input } = invocation.chaincodeSpec;
  if (input === undefined) throw refusal('chaincode input did not contain any input');
  return { chaincodeId, input };
}

function readChaincodeId(bytes: Uint8Array): protos.ChaincodeID {
  const extension = decodeExtension(bytes);
  if (extension.chaincodeId === undefined) throw refusal('ChaincodeHeaderExtension.ChaincodeId is nil');
  if (extension.payloadVisibility !== undefined) throw refusal('invalid payload visibility field'); // empty but encoded counts
  return extension.chaincodeId;
}

function decodeExtension(bytes: Uint8Array): protos.ChaincodeHeaderExtension {
  try {
    return protos.ChaincodeHeaderExtension.decode(bytes, strict);
  } catch (cause) {
    throw refusal('invalid header extension for type CHAINCODE', cause);
  }
}

/** Type 7 is gone from the messages but had this name where the text comes from. */
function headerTypeName(type: number): string {
  if (type === 7) return 'PEER_RESOURCE_UPDATE';
  const known = Object.entries(common.HeaderType).find(([, number]) => number === type);
  return known === undefined ? String(type) : known[0];
}
