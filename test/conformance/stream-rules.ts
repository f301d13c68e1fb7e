/** Where a message of our peer may differ from the one that the recorded peer sent, and why. */
import { Type } from '../../src/chaincode/stream/message-types.ts';
import { equalBytes, textOf } from '../../src/common/bytes.ts';
import type { protos } from '../../src/protos/messages.ts';
import type { Heard } from './recorded-chaincode.ts';
import { messageIn, type Network } from './recording.ts';

/** @returns the rule that allows a difference; undefined where there must be none */
export function ruleFor(network: Network, { line, message: { message: ours } }: Heard): string | undefined {
  if (line === undefined) return undefined;
  const recorded = messageIn(line);
  if (recorded.type === Type.READY && ours.type === Type.READY && equalBytes(recorded.payload, ours.payload) && ours.txid === '')
    return 'READY of 1.1 names the transaction that launched the chaincode, from 1.2 on it is bare';
  if (!sameTransaction(recorded, ours) || network !== 'v1.1' || ours.type !== Type.ERROR) return undefined;
  const laterText = textOf(ours.payload).startsWith(`${requestOf(ours)} failed: transaction ID: ${line.txid}: `);
  if (!laterText) return undefined;
  if (recorded.type === Type.ERROR) return 'ERROR in the words of 1.2 and later, which name request and transaction';
  if (recorded.type === Type.RESPONSE && recorded.payload.length === 0)
    return 'a call between chaincodes that failed: 1.1 loses the error and answers an empty RESPONSE';
  return undefined;
}

const sameTransaction = (a: protos.ChaincodeMessage, b: protos.ChaincodeMessage): boolean =>
  a.txid === b.txid && a.channelId === b.channelId;

/** The request that an ERROR in the later words is about. */
const requestOf = ({ payload }: protos.ChaincodeMessage): string => /^[A-Z_]+/.exec(textOf(payload))?.[0] ?? '';

/** Text of the last ERROR that one side of a recorded transaction sent. */
export function lastErrorText(messages: readonly protos.ChaincodeMessage[]): string | undefined {
  const error = messages.findLast(({ type }) => type === Type.ERROR);
  return error && textOf(error.payload);
}
