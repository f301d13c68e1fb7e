import { evaluate } from '../../client/submit.ts';
import { textOf } from '../../common/bytes.ts';
import { Connections } from '../connections.ts';
import { chaincodeTargets } from '../targets.ts';
import type { Terminal } from '../terminal.ts';
import type { ExplainQueryFlags } from './query-flags.ts';

/** What the peer answers. */
interface Explained {
  readonly selector: string;
  readonly index: string;
  readonly candidates: readonly { readonly index: string; readonly usable: boolean; readonly reason: string }[];
  readonly range?: { readonly low: string; readonly high: string; readonly descending: boolean };
  readonly results: number;
  readonly documentsExamined: number;
  readonly scannedAll: boolean;
  readonly advice?: { readonly path: string; readonly content: string };
}

export async function explainQuery(query: string, flags: ExplainQueryFlags, terminal: Terminal): Promise<void> {
  const { channelID: channelId, name, json = false } = flags;
  using connections = new Connections(terminal);
  const { peer, signer } = await connections.caller(chaincodeTargets({ command: 'query', flags, channelId }, connections));
  const args = ['ExplainQuery', channelId, name, query].map((each) => new TextEncoder().encode(each));
  const { payload } = await evaluate(peer, signer, { channelId, chaincode: 'qscc', args }, { signal: terminal.signal, refusal });
  const text = textOf(payload);
  if (json) terminal.out(text);
  else for (const line of linesOf(JSON.parse(text) as Explained)) terminal.out(line);
}

const refusal = ({ message }: { readonly message: string }): string =>
  message.includes('ExplainQuery not found') ? 'this peer is not one of Selvage, or of an earlier version' : message;

/** For people. */
export function* linesOf({
  selector,
  index,
  candidates,
  range,
  results,
  documentsExamined,
  scannedAll,
  advice,
}: Explained): Generator<string> {
  yield `selector   ${selector}`;
  yield `index      ${index}`;
  if (range !== undefined && `${range.low}${range.high}` !== '[][]')
    yield `range      ${range.low} to ${range.high}${range.descending ? ', descending' : ''}`;
  for (const candidate of candidates)
    yield `           ${candidate.usable ? 'usable' : 'not usable'}: ${candidate.index}, ${candidate.reason}`;
  yield `results    ${results}, of ${documentsExamined} documents looked at`;
  if (scannedAll && documentsExamined === 0) yield '           there is no JSON document: look whether -n and -C name the right ones';
  if (advice !== undefined) {
    yield `advice     no index serves it; add to the chaincode ${advice.path}:`;
    yield `           ${advice.content}`;
  } else if (scannedAll) yield 'advice     no index would help: the selector names no field that every result has';
}
