/** What the client gets for what came out: Fabric has two ways to say no, and here they are told apart. */
import type { SelvageError } from '../common/errors.ts';
import { proposalHash, visiblePayload } from '../protos/hashes.ts';
import { protos } from '../protos/messages.ts';
import { ERROR_THRESHOLD } from './execution.ts';
import type { UnpackedProposal } from './proposal.ts';
import { refusal } from './refusal.ts';
import type { Simulated } from './simulation.ts';

/** Which chaincode id endorsements carry: `as-sent` keeps the client's path (1.x), `plain` has name and version only (2.x). */
type ChaincodeIdStyle = 'as-sent' | 'plain';

/**
 * `ProposalResponsePayload` bytes, byte for byte what every other endorser makes of the same run.
 * @see GetBytesProposalResponsePayload in hyperledger/fabric v1.1, protos/utils/proputils.go
 */
export function responsePayload(
  proposal: UnpackedProposal,
  { results, event, response, chaincode }: Simulated,
  style: ChaincodeIdStyle,
): Uint8Array {
  const { name, version } = chaincode;
  const path = style === 'as-sent' ? proposal.chaincodeId.path : '';
  const action = protos.ChaincodeAction.encode({ results, events: event, response, chaincodeId: { path, name, version } });
  const hash = proposalHash(proposal.header, visiblePayload(proposal.proposal.payload));
  return protos.ProposalResponsePayload.encode({ proposalHash: hash, extension: action });
}

/** What is answered beside a response: what an endorsement covers, and which policies it concerns. */
export type Unendorsed = Pick<protos.ProposalResponseInit, 'payload' | 'interest'>;

/** Shapes of the answers: Fabric 1.2 and later, or 1.1 for tests that match its texts. */
export interface AnswerStyle {
  /** The chaincode answered with a failure status. What would have been endorsed is present from status 500 on. */
  refused(response: protos.Response, unendorsed: Unendorsed): protos.ProposalResponseInit;
  /** The run, its preparation or its endorsement failed in the peer. */
  failed(error: SelvageError): protos.ProposalResponseInit;
  endorsed(response: protos.Response): protos.ResponseInit;
}

/** Failures are replies of their own status (FAB-6387). */
export const modernAnswers: AnswerStyle = {
  refused: (response, unendorsed) => ({ response, ...unendorsed }),
  failed: (error) => ({ response: { status: 500, message: error.message } }),
  endorsed: (response) => response,
};

/** Failures are gRPC errors of status UNKNOWN; a success is always `200 OK`, whatever status below 400 the chaincode gave. */
export const answersOf11: AnswerStyle = {
  refused({ status, message }) {
    throw refusal(`chaincode error (status: ${status}, message: ${message})`);
  },
  failed(error) {
    throw refusal(error.message, error);
  },
  endorsed: ({ payload }) => ({ status: 200, message: 'OK', payload }),
};

export const isFailure = ({ status }: protos.Response): boolean => status >= ERROR_THRESHOLD;
