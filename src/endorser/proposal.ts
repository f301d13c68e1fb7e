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
  const parts = dialect === '2.x' ? partsOf(signed) : new ProposalParts(signed, dialect);
  const { proposal, header, channelHeader, signatureHeader } = parts; // in this order: the first that does not decode is told
  return { signed, proposal, header, channelHeader, signatureHeader };
}

/** The messages of a proposal down to its headers, each decoded when it is first looked at. @throws {SelvageError} as {@link readPart} */
export class ProposalParts {
  readonly bytes: Uint8Array;
  readonly #dialect: FabricDialect;
  #proposal: protos.Proposal | undefined;
  #header: common.Header | undefined;
  #channelHeader: common.ChannelHeader | undefined;
  #signatureHeader: common.SignatureHeader | undefined;

  constructor({ proposalBytes }: protos.SignedProposal, dialect: FabricDialect) {
    this.bytes = proposalBytes;
    this.#dialect = dialect;
  }

  get proposal(): protos.Proposal {
    this.#proposal ??= readPart(protos.Proposal, this.bytes, this.#dialect);
    return this.#proposal;
  }

  get header(): common.Header {
    this.#header ??= readPart(common.Header, this.proposal.header, this.#dialect);
    return this.#header;
  }

  get channelHeader(): common.ChannelHeader {
    this.#channelHeader ??= readPart(common.ChannelHeader, this.header.channelHeader, this.#dialect);
    return this.#channelHeader;
  }

  get signatureHeader(): common.SignatureHeader {
    this.#signatureHeader ??= readPart(common.SignatureHeader, this.header.signatureHeader, this.#dialect);
    return this.#signatureHeader;
  }
}

/** What filters and the endorser read of one proposal is decoded once. It lives as long as the proposal does. */
const known = new WeakMap<protos.SignedProposal, ProposalParts>();

/** The parts in the words of 2.x, shared by all who look at this proposal. */
export function partsOf(signed: protos.SignedProposal): ProposalParts {
  const before = known.get(signed);
  if (before?.bytes === signed.proposalBytes) return before;
  const parts = new ProposalParts(signed, '2.x');
  known.set(signed, parts);
  return parts;
}

/** @throws {SelvageError} `PROPOSAL_REFUSED` when there is no invocation, which crashed 1.1 (FAB-12287) */
export function readInput({ payload }: protos.Proposal, dialect: FabricDialect): protos.ChaincodeInput {
  const { input: invocation } = readPart(protos.ChaincodeProposalPayload, payload, dialect);
  const { chaincodeSpec } = readPart(protos.ChaincodeInvocationSpec, invocation, dialect);
  if (chaincodeSpec === undefined) throw refusal('chaincode invocation spec did not contain chaincode spec');
  if (chaincodeSpec.input === undefined) throw refusal('chaincode input did not contain any input');
  return chaincodeSpec.input;
}

/** Field by field: to spread two objects costs as much as to decode a message. */
export const unpacked = (headers: ProposalHeaders, target: ProposalTarget): UnpackedProposal => ({
  signed: headers.signed,
  proposal: headers.proposal,
  header: headers.header,
  channelHeader: headers.channelHeader,
  signatureHeader: headers.signatureHeader,
  chaincodeId: target.chaincodeId,
  input: target.input,
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
