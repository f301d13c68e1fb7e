import { SelvageError } from '../../common/errors.ts';
import { common, protos } from '../../protos/messages.ts';
import { readBytes } from '../read-file.ts';

/**
 * The `ProposalResponsePayload` in a file: a `ProposalResponse`, a payload alone, or a transaction, as they are or in base64.
 * @throws {SelvageError} `SETTING_INVALID` for anything else
 */
export function readResponse(file: string): Uint8Array {
  const bytes = readBytes(file, { refusal: 'proposal response file not found' });
  const text = Buffer.from(bytes).toString('latin1').trim();
  const decoded = /^[A-Za-z0-9+/=\s]+$/.test(text) ? new Uint8Array(Buffer.from(text, 'base64')) : undefined;
  const found = payloadIn(bytes) ?? (decoded && payloadIn(decoded));
  if (found !== undefined) return found;
  throw new SelvageError('SETTING_INVALID', `${file} holds no proposal response`, {
    advice: 'It must be a ProposalResponse of Fabric, its payload, or a transaction, as its bytes or in base64.',
  });
}

const payloadIn = (bytes: Uint8Array): Uint8Array | undefined =>
  [ofResponse, ofItself, ofTransaction]
    .map((read) => attempt(() => read(bytes)))
    .find((payload) => payload !== undefined && isPayload(payload));

const ofResponse = (bytes: Uint8Array): Uint8Array => protos.ProposalResponse.decode(bytes).payload;
const ofItself = (bytes: Uint8Array): Uint8Array => bytes;

function ofTransaction(bytes: Uint8Array): Uint8Array | undefined {
  const { data } = common.Payload.decode(common.Envelope.decode(bytes).payload);
  const [action] = protos.Transaction.decode(data).actions;
  return action && protos.ChaincodeActionPayload.decode(action.payload).action?.proposalResponsePayload;
}

/** A hash, and an action that names its chaincode or answers something. */
const isPayload = (bytes: Uint8Array): boolean =>
  attempt(() => {
    const { proposalHash, extension } = protos.ProposalResponsePayload.decode(bytes);
    if (proposalHash.length === 0 || extension.length === 0) return false;
    const { chaincodeId, response } = protos.ChaincodeAction.decode(extension);
    return chaincodeId !== undefined || response !== undefined;
  }) === true;

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
