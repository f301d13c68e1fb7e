/** When our answer to a proposal is the recorded one. */
import { hex, textOf } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { common, lifecycle, protos } from '../../src/protos/messages.ts';
import { canonical } from './canonical.ts';
import { messageIn, type RecordedCall, type Recording, read } from './recording.ts';
import { lastErrorText } from './stream-rules.ts';

export type Outcome =
  | { readonly form: 'reply'; readonly reply: protos.ProposalResponse }
  | { readonly form: 'error'; readonly error: SelvageError };

/** Equal, or why not. `rule` names what makes two things count as equal that are not the same. */
export type Verdict =
  | { readonly equal: true; readonly rule?: string }
  | { readonly equal: false; readonly expected: string; readonly actual: string };

export const outcomeOf = (work: Promise<Uint8Array>): Promise<Outcome> =>
  work.then(
    (bytes) => ({ form: 'reply', reply: protos.ProposalResponse.decode(bytes) }),
    (thrown: unknown) => ({ form: 'error', error: SelvageError.from(thrown) }),
  );

export function recordedReply({ network }: Recording, { responses: [file] }: RecordedCall): protos.ProposalResponse | undefined {
  return file === undefined ? undefined : protos.ProposalResponse.decode(read(network, file));
}

export function judge(recording: Recording, call: RecordedCall, outcome: Outcome): Verdict {
  const recorded = recordedReply(recording, call);
  return recorded === undefined ? judgeRefusal(recording, call, outcome) : judgeReply(recording, call, { recorded, outcome });
}

interface Replies {
  readonly recorded: protos.ProposalResponse;
  readonly outcome: Outcome;
}

function judgeReply(recording: Recording, call: RecordedCall, { recorded, outcome }: Replies): Verdict {
  const expected = printedReply(recorded);
  if (outcome.form === 'error') return { equal: false, expected, actual: printed(outcome) };
  const actual = printedReply(outcome.reply);
  if (actual === expected) return { equal: true };
  // 1.1 says "200 OK" whatever the chaincode said; from 1.2 on the client sees the chaincode's own status and message
  const action = recording.network === 'v1.1' && recorded.endorsement !== undefined ? actionOf(recorded) : undefined;
  if (action?.response !== undefined && actual === printedReply({ ...recorded, response: action.response }))
    return { equal: true, rule: '1.1 answers 200 OK, later releases what the chaincode said' };
  if (sameButForMaps(targetOf(recording, call), recorded, outcome.reply)) return { equal: true, rule: 'Go writes maps in random order' };
  if (BUILD_FAILED.test(recorded.response?.message ?? '') && BUILD_FAILED.test(outcome.reply.response?.message ?? ''))
    return { equal: true, rule: 'a build that fails says why in its builder’s words' };
  return { equal: false, expected, actual };
}

export const actionOf = ({ payload }: protos.ProposalResponse): protos.ChaincodeAction =>
  protos.ChaincodeAction.decode(protos.ProposalResponsePayload.decode(payload).extension);

const BUILD_FAILED = /^failed to invoke backing implementation of 'InstallChaincode': could not build chaincode: /;

interface Decoder {
  decode(bytes: Uint8Array): unknown;
}

/** Functions of system chaincodes that answer with a message that has maps, or a list in the order of one. */
const WITH_MAPS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['cscc GetConfigTree', protos.ConfigTree],
  ['cscc GetChannelConfig', common.Config],
  ['_lifecycle CheckCommitReadiness', lifecycle.CheckCommitReadinessResult],
  ['_lifecycle QueryChaincodeDefinition', lifecycle.QueryChaincodeDefinitionResult],
  [
    '_lifecycle QueryChaincodeDefinitions',
    { decode: (bytes) => inOrder(lifecycle.QueryChaincodeDefinitionsResult.decode(bytes).chaincodeDefinitions) },
  ],
  [
    '_lifecycle QueryInstalledChaincodes',
    { decode: (bytes) => inOrder(lifecycle.QueryInstalledChaincodesResult.decode(bytes).installedChaincodes) },
  ],
]);

const inOrder = (entries: readonly unknown[]): readonly string[] => entries.map(canonical).sort();

/** The answer stands twice in an endorsed reply: beside the payload and in it. All else must be the same bytes. */
function sameButForMaps(target: string, recorded: protos.ProposalResponse, ours: protos.ProposalResponse): boolean {
  const codec = WITH_MAPS.get(target);
  if (codec === undefined) return false;
  const comparable = (reply: protos.ProposalResponse): string => {
    const { payload, ...rest } = reply;
    const answers = [reply.response, payload.length === 0 ? undefined : actionOf(reply).response];
    const without = { ...rest, response: rest.response && { ...rest.response, payload: NOTHING }, payload: withoutAnswer(payload) };
    return `${printedReply(without)} ${canonical(answers.map((answer) => codec.decode(answer?.payload ?? NOTHING)))}`;
  };
  return comparable(recorded) === comparable(ours);
}

/** A `ProposalResponsePayload` with an action that answers nothing. */
function withoutAnswer(payload: Uint8Array): Uint8Array {
  if (payload.length === 0) return payload;
  const decoded = protos.ProposalResponsePayload.decode(payload);
  const action = protos.ChaincodeAction.decode(decoded.extension);
  const response = action.response && { ...action.response, payload: NOTHING };
  return protos.ProposalResponsePayload.encode({ ...decoded, extension: protos.ChaincodeAction.encode({ ...action, response }) });
}

/** `chaincode function` of a proposal; empty where it does not parse. */
export function targetOf({ network }: Recording, { requests: [file = ''] }: RecordedCall): string {
  try {
    const { payload } = protos.Proposal.decode(protos.SignedProposal.decode(read(network, file)).proposalBytes);
    const { chaincodeSpec } = protos.ChaincodeInvocationSpec.decode(protos.ChaincodeProposalPayload.decode(payload).input);
    return `${chaincodeSpec?.chaincodeId?.name ?? ''} ${textOf(chaincodeSpec?.input?.args[0] ?? NOTHING)}`;
  } catch {
    return '';
  }
}

/** A chaincode's refusal, a failed run and a bad proposal are all gRPC errors in 1.1; from 1.2 on the first two are replies. */
function judgeRefusal(recording: Recording, call: RecordedCall, outcome: Outcome): Verdict {
  const { grpcStatus, grpcMessage } = call;
  const { fromPeer, fromChaincode } = errorsOf(recording, call);
  // Node's HTTP/2 drops a message that ends with a blank, so that the recording has none
  const message = grpcMessage === '' && fromChaincode !== undefined ? `${FAILED}${fromChaincode}` : grpcMessage;
  const expected = refusalOf(grpcStatus, withoutPath(message));
  const actual = withoutPath(printed(outcome));
  if (actual === expected)
    return { equal: true, ...(expected.startsWith('reply') && { rule: 'a gRPC error in 1.1, a reply from 1.2 on' }) };
  if (actual.startsWith(`${expected}\n`)) return { equal: true, rule: 'our reply adds lines of advice to Fabric’s text' };
  if (message === `${FAILED}${fromPeer}` && actual === refusalOf(grpcStatus, `${FAILED}${fromChaincode}`))
    return { equal: true, rule: 'a refused request ends the transaction in 1.1, later the chaincode decides' };
  if (DECODER_TEXT.test(grpcMessage) && DECODER_TEXT.test(actual)) return { equal: true, rule: 'words of the protobuf library' };
  return { equal: false, expected, actual };
}

const FAILED = 'error executing chaincode: transaction returned with failure: ';

/** The last ERROR of each side in the recorded stream of a proposal's own chaincode. */
function errorsOf({ streams }: Recording, { txId }: RecordedCall) {
  const lines = txId === '' ? [] : streams.flatMap((stream) => stream.lines.filter((line) => line.txid === txId));
  const texts = (dir: string) => lastErrorText(lines.filter((line) => line.dir === dir).map(messageIn));
  return { fromPeer: texts('peer->cc'), fromChaincode: texts('cc->peer') };
}

/** Both say that the proposal does not parse; the rest is the library's. */
const DECODER_TEXT = /failed parsing proposal: |error unmarshalling request: /;

const CHAINCODE_ERROR = /^chaincode error \(status: (\d+), message: (.*)\)$/s;

function refusalOf(status: number, message: string): string {
  const refused = CHAINCODE_ERROR.exec(message);
  if (refused !== null) return `reply ${refused[1]} ${refused[2]}`;
  return /^(error executing chaincode: |make sure the chaincode )/.test(message) ? `reply 500 ${message}` : `error ${status} ${message}`;
}

/** Where a peer keeps its packages is its own affair. */
const withoutPath = (text: string): string => text.replace(/\(chaincode \S*\/chaincodes\//, '(chaincode …/chaincodes/');

const GRPC_STATUS = { PROPOSAL_REFUSED: 2, REQUEST_UNREADABLE: 13, INTERNAL: 13 } as const;

function printed(outcome: Outcome): string {
  if (outcome.form === 'reply') return `reply ${outcome.reply.response?.status} ${outcome.reply.response?.message}`;
  const { code, message } = outcome.error;
  return `error ${Object.entries(GRPC_STATUS).find(([known]) => known === code)?.[1] ?? code} ${message}`;
}

/** Everything of a reply but the signature, which is never the same twice. */
function printedReply({ version, response, payload, endorsement, interest }: protos.ProposalResponse): string {
  const endorser = endorsement === undefined ? 'nobody' : hex(endorsement.endorser);
  const answer = `${response?.status} ${response?.message} ${hex(response?.payload ?? NOTHING)}`;
  const calls = interest === undefined ? 'none' : inOrder(interest.chaincodes); // Go has them in the order of a map
  return `version ${version} response ${answer} payload ${hex(payload)} by ${endorser} interest ${calls}`;
}

const NOTHING = new Uint8Array();
