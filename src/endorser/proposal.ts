/** What a signed proposal says: its headers and what it wants done, read in the order and the words of a Fabric release. */

import type { FabricDialect } from '../msp/policies/dialect.ts';
import { common, protos } from '../protos/messages.ts';
import { unreadable } from '../protos/unreadable.ts';
import { type Codec, OF_STRANGERS } from '../protos/wire.ts';
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

/** One message of the proposal. 1.1 refused a field with a foreign wire type, which 2.x passes over as unknown. */
export function readPart<T>(codec: Pick<Codec<T, never>, 'typeName' | 'decode'>, bytes: Uint8Array, dialect: FabricDialect): T {
  if (dialect === '1.1') return reading('', () => codec.decode(bytes, { strict: true, ...OF_STRANGERS }));
  try {
    return codec.decode(bytes, OF_STRANGERS);
  } catch (thrown) {
    const name = codec.typeName.slice(codec.typeName.lastIndexOf('.') + 1);
    throw refusal(`error unmarshalling ${name}: ${unreadable(thrown)}`, thrown);
  }
}

/** @throws {SelvageError} `PROPOSAL_REFUSED` for what does not decode; nothing is judged */
export function readHeaders(signed: protos.SignedProposal, dialect: FabricDialect): ProposalHeaders {
  const proposal = readPart(protos.Proposal, signed.proposalBytes, dialect);
  const header = readPart(common.Header, proposal.header, dialect);
  const channelHeader = readPart(common.ChannelHeader, header.channelHeader, dialect);
  const signatureHeader = readPart(common.SignatureHeader, header.signatureHeader, dialect);
  return { signed, proposal, header, channelHeader, signatureHeader };
}

/** @throws {SelvageError} `PROPOSAL_REFUSED` when there is no invocation, which crashed 1.1 (FAB-12287) */
export function readInput({ payload }: protos.Proposal, dialect: FabricDialect): protos.ChaincodeInput {
  const { input: invocation } = readPart(protos.ChaincodeProposalPayload, payload, dialect);
  const { chaincodeSpec } = readPart(protos.ChaincodeInvocationSpec, invocation, dialect);
  if (chaincodeSpec === undefined) throw refusal('chaincode invocation spec did not contain chaincode spec');
  if (chaincodeSpec.input === undefined) throw refusal('chaincode input did not contain any input');
  return chaincodeSpec.input;
}

export const unpacked = (headers: ProposalHeaders, target: ProposalTarget): UnpackedProposal => ({
  ...headers,
  ...target,
  channelId: headers.channelHeader.channelId,
  txId: headers.channelHeader.txId,
  creator: headers.signatureHeader.creator,
});

/** Type 7 is gone from the messages but had this name in 1.1. */
export function headerTypeName(type: number, dialect: FabricDialect): string {
  if (type === 7 && dialect === '1.1') return 'PEER_RESOURCE_UPDATE';
  const known = Object.entries(common.HeaderType).find(([, number]) => number === type);
  return known === undefined ? String(type) : known[0];
}
