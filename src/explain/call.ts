import { X509Certificate } from 'node:crypto';
import { transactionId } from '../ledger/blockstore/transaction-ids.ts';
import { common, msp, protos } from '../protos/messages.ts';
import { bytesText, plain } from './shown.ts';

/** Where a transaction stands: a version of a key names the same place. */
export interface Place {
  readonly block: bigint;
  readonly index: number;
}

/** What somebody asked a chaincode to do, as its transaction says. */
export interface Call {
  /** '' where none can be read. */
  readonly txId: string;
  /** '' where the transaction is no call. */
  readonly chaincode: string;
  /** The first argument, which is the function in most contracts; '' where there is none. */
  readonly fn: string;
  /** The others, as text as far as they are text, long ones cut. */
  readonly args: readonly string[];
  readonly submitter: Submitter | undefined;
}

export interface Submitter {
  readonly mspId: string;
  /** Common name of the certificate; '' for an identity that is none. */
  readonly name: string;
}

const NOTHING = new Uint8Array(0);

/** Reads as much of a transaction as can be read. @param envelope `common.Envelope` bytes */
export function callOf(envelope: Uint8Array): Call {
  const call = { txId: transactionId(envelope) ?? '', chaincode: '', fn: '', args: [], submitter: undefined };
  const read = reading(() => {
    const { header, data } = common.Payload.decode(common.Envelope.decode(envelope).payload);
    const type = common.ChannelHeader.decode(header?.channelHeader ?? NOTHING).type;
    const { creator } = common.SignatureHeader.decode(header?.signatureHeader ?? NOTHING);
    return { data, type, submitter: submitterOf(creator) };
  });
  if (read === undefined) return call;
  const { data, type, submitter } = read;
  if (type !== common.HeaderType.ENDORSER_TRANSACTION) return { ...call, submitter };
  return { ...call, submitter, ...reading(() => inputOf(data)) };
}

function inputOf(transaction: Uint8Array): Pick<Call, 'chaincode' | 'fn' | 'args'> {
  const [action] = protos.Transaction.decode(transaction).actions;
  const { chaincodeProposalPayload } = protos.ChaincodeActionPayload.decode(action?.payload ?? NOTHING);
  const { input } = protos.ChaincodeProposalPayload.decode(chaincodeProposalPayload);
  const spec = protos.ChaincodeInvocationSpec.decode(input).chaincodeSpec;
  const [fn = '', ...args] = (spec?.input?.args ?? []).map((arg) => bytesText(arg));
  return { chaincode: plain(spec?.chaincodeId?.name ?? ''), fn, args };
}

/** @param creator `msp.SerializedIdentity` bytes */
function submitterOf(creator: Uint8Array): Submitter | undefined {
  const identity = reading(() => msp.SerializedIdentity.decode(creator));
  if (identity === undefined || identity.mspid === '') return undefined;
  const subject = reading(() => new X509Certificate(identity.idBytes).subject) ?? '';
  const name = /^CN=(.*)$/m.exec(subject)?.[1] ?? '';
  return { mspId: plain(identity.mspid), name: plain(name) };
}

/** What strangers wrote may be anything. */
function reading<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

export const placeText = ({ block, index }: Place): string => `block ${block}, transaction ${index}`;

export const submitterText = (submitter: Submitter | undefined): string =>
  submitter === undefined ? 'somebody' : submitter.name === '' ? submitter.mspId : `${submitter.name} (${submitter.mspId})`;

/** `transfer of basic, by User1@org1.example.com (Org1MSP)` */
export const callText = ({ chaincode, fn, submitter }: Call): string =>
  `${chaincode === '' ? 'no call of a chaincode' : fn === '' ? `a call of ${chaincode}` : `${fn} of ${chaincode}`}, by ${submitterText(submitter)}`;
