import { protos } from '../protos/messages.ts';

const Code = protos.TxValidationCode;

/** What the code alone says, and one thing to do, in a sentence each. */
export interface Meaning {
  readonly says: string;
  readonly remedy: string;
}

const SUBMIT_AGAIN =
  'Submit it again; if it happens often, write delta keys instead of one value that everybody changes, or split the key.';
const CLIENT = 'Let the client library make and sign transactions, and change nothing between endorsing and submitting.';
const DEFECT = 'The endorsing peer or something between it and the orderer changed the answer: submit it again, and look at what made it.';

const MEANINGS: Readonly<Record<number, Meaning>> = {
  [Code.VALID]: { says: 'it is valid', remedy: '' },
  [Code.NIL_ENVELOPE]: { says: 'the envelope is empty', remedy: CLIENT },
  [Code.BAD_PAYLOAD]: { says: 'the payload of the envelope does not parse', remedy: CLIENT },
  [Code.BAD_COMMON_HEADER]: { says: 'the header of the transaction is not one', remedy: CLIENT },
  [Code.BAD_CREATOR_SIGNATURE]: {
    says: 'the signature is not that of a valid member of the channel',
    remedy:
      "Sign with the key of the certificate in use, and check that it is not expired or revoked and that the channel's configuration has its organisation.",
  },
  [Code.INVALID_ENDORSER_TRANSACTION]: { says: 'the parts of the transaction do not belong together', remedy: CLIENT },
  [Code.INVALID_CONFIG_TRANSACTION]: {
    says: 'the configuration is not valid',
    remedy: 'Make the update from the configuration in force, and send it to the orderer as a configuration update.',
  },
  [Code.UNSUPPORTED_TX_PAYLOAD]: { says: 'it is of a kind that peers do not take', remedy: CLIENT },
  [Code.BAD_PROPOSAL_TXID]: { says: 'its id is not that which its nonce and creator make', remedy: CLIENT },
  [Code.DUPLICATE_TXID]: {
    says: 'there is a transaction with its id already',
    remedy: 'Look at the first one: it decides. Make a new proposal for each submission.',
  },
  [Code.ENDORSEMENT_POLICY_FAILURE]: {
    says: 'its endorsements do not satisfy the policy',
    remedy: 'Have it endorsed by those who are missing too: the Gateway finds them, or name the organisations in the client.',
  },
  [Code.MVCC_READ_CONFLICT]: { says: 'what it read was changed before its turn', remedy: SUBMIT_AGAIN },
  [Code.PHANTOM_READ_CONFLICT]: {
    says: 'a range query would have other results',
    remedy: 'Submit it again; where it happens often, query a narrower range, or query by evaluate and write by keys that are known.',
  },
  [Code.UNKNOWN_TX_TYPE]: { says: 'it is of a kind that nobody knows', remedy: CLIENT },
  [Code.TARGET_CHAIN_NOT_FOUND]: {
    says: 'the peer does not have the channel that it names',
    remedy: 'Submit it on a channel of this network.',
  },
  [Code.MARSHAL_TX_ERROR]: { says: 'the peer could not encode it', remedy: "Look at the peer's log at that block." },
  [Code.NIL_TXACTION]: { says: 'it has no action', remedy: CLIENT },
  [Code.EXPIRED_CHAINCODE]: {
    says: 'another version of the chaincode is instantiated than the one that endorsed it',
    remedy: 'Submit it again: it was endorsed before the upgrade. Install the new version on all endorsing peers.',
  },
  [Code.CHAINCODE_VERSION_CONFLICT]: {
    says: 'the chaincode was upgraded in the same block',
    remedy: 'Submit it again once the upgrade is committed.',
  },
  [Code.BAD_HEADER_EXTENSION]: { says: 'the extension of its header does not parse', remedy: CLIENT },
  [Code.BAD_CHANNEL_HEADER]: { says: 'its channel header is not one', remedy: CLIENT },
  [Code.BAD_RESPONSE_PAYLOAD]: { says: 'what the endorsers signed does not parse', remedy: DEFECT },
  [Code.BAD_RWSET]: { says: 'its read-write set does not parse', remedy: DEFECT },
  [Code.ILLEGAL_WRITESET]: {
    says: 'it writes where it may not',
    remedy: 'A chaincode writes to its own namespace, and to that of another by calling it; to none of the system.',
  },
  [Code.INVALID_WRITESET]: {
    says: 'its writes are not valid',
    remedy: 'Look at what the chaincode writes: keys must be valid UTF-8 and not empty.',
  },
  [Code.INVALID_CHAINCODE]: {
    says: 'the chaincode is not defined on the channel, or its definition is not complete',
    remedy: 'Commit a definition of the chaincode on the channel before it is called.',
  },
  [Code.NOT_VALIDATED]: { says: 'no peer has judged it', remedy: 'Ask a peer that has committed the block: an orderer does not judge.' },
  [Code.INVALID_OTHER_REASON]: {
    says: 'the peer that judged it found something that has no code of its own',
    remedy: "Look at the peer's log at that block.",
  },
};

export const meaningOf = (code: number): Meaning =>
  MEANINGS[code] ?? { says: `it has the code ${code}, which this version does not know`, remedy: "Look at the peer's log at that block." };

export const codeName = (code: number): string => Object.entries(Code).find(([, value]) => value === code)?.[0] ?? String(code);
