import { textOf } from '../../common/bytes.ts';
import { reasonText } from '../../explain/live.ts';
import type { InvalidTransaction } from '../../node/follow-channels.ts';
import { kvrwset, protos, rwset } from '../../protos/messages.ts';

/** One read or write of a transaction, for people. */
export interface RwsetLine {
  readonly namespace: string;
  readonly text: string;
}

/** What a transaction read and wrote, from its `ProposalResponsePayload`. */
export function describeRwset(payload: Uint8Array): readonly RwsetLine[] {
  const { results } = protos.ChaincodeAction.decode(protos.ProposalResponsePayload.decode(payload).extension);
  return rwset.TxReadWriteSet.decode(results).nsRwset.flatMap(({ namespace, rwset: bytes }) =>
    [...linesOf(kvrwset.KVRWSet.decode(bytes))].map((text) => ({ namespace, text })),
  );
}

function* linesOf({ reads, rangeQueriesInfo, writes }: kvrwset.KVRWSet): Generator<string> {
  for (const { key, version } of reads)
    yield `read   ${printable(key)} ${version === undefined ? '(absent)' : `at block ${version.blockNum}, tx ${version.txNum}`}`;
  for (const { startKey, endKey } of rangeQueriesInfo) yield `range  ${printable(startKey)} … ${printable(endKey)}`;
  for (const { key, isDelete, value } of writes)
    yield isDelete ? `delete ${printable(key)}` : `write  ${printable(key)} = ${shortened(textOf(value))}`;
}

/** Composite keys hold U+0000; a terminal would swallow it. */
const printable = (key: string): string => key.replaceAll('\u0000', '␀').replaceAll('\u{10ffff}', '⋯');

const MOST = 100;
const shortened = (text: string): string => (text.length <= MOST ? text : `${text.slice(0, MOST)}… (${text.length} characters)`);

/** Why a transaction changed nothing, as one line, and the command that says more: its id is shortened here, its place is not. */
export function describeInvalid(transaction: InvalidTransaction): string {
  const { channelId, txId, blockNumber, index, codeName, winner } = transaction;
  const after = winner === undefined ? '' : `; it came after ${winner}`;
  const more = `selvage why -C ${channelId} ${blockNumber}:${index}`;
  return `${txId.slice(0, 12)}… in block ${blockNumber}, ${codeName}: ${reasonText(transaction)}${after} (${more})`;
}
