/**
 * The form of a proposal as peers of 2.x judge it.
 * @see hyperledger/fabric v2.5, core/endorser/msgvalidation.go
 */
import type { SelvageError } from '../common/errors.ts';
import { txIdOf } from '../protos/hashes.ts';
import { common, protos } from '../protos/messages.ts';
import { headerTypeName, type ProposalHeaders, type ProposalTarget, readInput, readPart } from './proposal.ts';
import { refusal } from './refusal.ts';

/** CONFIG is run like ENDORSER_TRANSACTION (recorded, 1.1 and 2.4). */
const KNOWN_TYPES: ReadonlySet<number> = new Set([common.HeaderType.CONFIG, common.HeaderType.ENDORSER_TRANSACTION]);

/** Before anything is judged, the channel included. @throws {SelvageError} `PROPOSAL_REFUSED` */
export function readTarget({ channelHeader, proposal }: ProposalHeaders): ProposalTarget {
  const { chaincodeId } = readPart(protos.ChaincodeHeaderExtension, channelHeader.extension, '2.x');
  if (chaincodeId === undefined) throw refusal('ChaincodeHeaderExtension.ChaincodeId is nil');
  if (chaincodeId.name === '') throw refusal('ChaincodeHeaderExtension.ChaincodeId.Name is empty');
  return { chaincodeId, input: readInput(proposal, '2.x') };
}

/** What a proposal is refused with that could be read but is none. */
export const invalid = (text: string): SelvageError => refusal(`error validating proposal: ${text}`);

/** @throws {SelvageError} `PROPOSAL_REFUSED`; the first wrong thing decides the text */
export function checkHeaders({ channelHeader, signatureHeader: { nonce, creator }, signed }: ProposalHeaders): void {
  if (!KNOWN_TYPES.has(channelHeader.type)) throw invalid(`invalid header type ${headerTypeName(channelHeader.type, '2.x')}`);
  if (channelHeader.epoch !== 0n) throw invalid('epoch is non-zero');
  if (nonce.length === 0) throw invalid('nonce is empty');
  if (creator.length === 0) throw invalid('creator is empty');
  const expected = txIdOf(nonce, creator);
  if (channelHeader.txId !== expected) throw invalid(`incorrectly computed txid '${channelHeader.txId}' -- expected '${expected}'`);
  if (signed.signature.length === 0) throw invalid('empty signature bytes');
}

/** Whose certificate does not read is told apart from one that is not believed. @param mspId absent for the former */
export function creatorRefusal({ channelHeader: { channelId } }: ProposalHeaders, mspId: string | undefined): SelvageError {
  const who = mspId === undefined ? 'creator org unknown, creator is malformed' : `creator org [${mspId}]`;
  return invalid(`access denied: channel [${channelId}] ${who}`);
}
