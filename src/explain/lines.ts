import { cutText } from '../common/cut-text.ts';
import { type Call, placeText, submitterText } from './call.ts';
import type { Cited, Explanation } from './explanation.ts';
import { plain } from './shown.ts';

const MOST_WRITES = 5;
const WIDTH = 11;

const line = (label: string, text: string): string => `  ${label.padEnd(WIDTH)} ${text}`;

/** An explanation for people: a dozen lines at most. */
export function linesOf(explanation: Explanation): readonly string[] {
  const { place, code, call, valid, reason, winner, perhaps, writes, remedy, doubts, details } = explanation;
  return [
    call.txId === '' ? 'A transaction without id' : idText(call.txId),
    line(valid ? 'valid' : 'invalid', `${valid ? '' : `${code}, `}in ${placeText(place)} of ${explanation.channelId}`),
    ...(call.chaincode === '' ? [] : [line('call', callLine(call))]),
    ...(call.submitter === undefined ? [] : [line('by', submitterText(call.submitter))]),
    ...(valid ? [] : [line('because', reason)]),
    ...(details['policy'] === undefined ? [] : [line('policy', plain(String(details['policy'])))]),
    ...(winner === undefined ? [] : winnerLines(winner, explanation, perhaps)),
    ...(valid ? writeLines(writes) : []),
    ...doubts.map((doubt) => line('not known', doubt)),
    ...(remedy === '' ? [] : [line('what to do', remedy)]),
  ];
}

/** An id, which is 64 digits unless somebody made one up. */
const idText = (txId: string): string => plain(cutText(txId, 80));

const MOST_CALL = 160;

function callLine({ chaincode, fn, args }: Call): string {
  const text = `${fn}(${args.map((arg) => JSON.stringify(arg)).join(', ')}) of ${chaincode}`;
  return text.length <= MOST_CALL ? text : `${text.slice(0, MOST_CALL)}…`;
}

/** What the other transaction did, by what became of this one. */
const LABELS: Readonly<Record<string, string>> = {
  DUPLICATE_TXID: 'first',
  ENDORSEMENT_POLICY_FAILURE: 'changed by',
  CHAINCODE_VERSION_CONFLICT: 'upgraded by',
};

function winnerLines(
  { place, call, code }: Cited,
  { place: own, code: ownCode, details }: Explanation,
  perhaps: boolean,
): readonly string[] {
  const where = place.block === own.block ? `transaction ${place.index} of the same block` : placeText(place);
  return [
    line(
      LABELS[ownCode] ?? (perhaps ? 'perhaps by' : details['versionFound'] === 'none' ? 'deleted by' : 'written by'),
      ownCode === 'DUPLICATE_TXID' ? code : idText(call.txId),
    ),
    line('', `${call.chaincode === '' ? '' : `${callLine(call)}, `}in ${where}`),
    line('', `by ${submitterText(call.submitter)}`),
  ];
}

const writeLines = (writes: readonly string[]): readonly string[] => [
  ...writes.slice(0, MOST_WRITES).map((write, at) => line(at === 0 ? 'wrote' : '', write)),
  ...(writes.length > MOST_WRITES ? [line('', `and ${writes.length - MOST_WRITES} more keys`)] : []),
  ...(writes.length === 0 ? [line('wrote', 'nothing')] : []),
];
