/** Recorded calls of the gateway, asked again. */
import type { ByteStream, CallContext, Method } from '../../src/comm/method.ts';
import { Status, statusOf } from '../../src/comm/status.ts';
import { hex } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import { common, gateway, protos } from '../../src/protos/messages.ts';
import type { Verdict } from './expectation.ts';
import { type RecordedCall, type Recording, read } from './recording.ts';

export const ENDORSE = '/gateway.Gateway/Endorse';
export const isGatewayCall = ({ method }: RecordedCall): boolean => method.startsWith('/gateway.Gateway/');

/** What the recorded node could not do because it ran without TLS; nothing that a gateway is like. */
const OF_THE_SETTING = /^(failed to load client certificate: |no orderer nodes available$)/;
export const isOfTheSetting = ({ grpcMessage }: RecordedCall): boolean => OF_THE_SETTING.test(grpcMessage);

/** The number of blocks that the recorded answer needed; 0 where it says nothing of that. */
export function heightOf({ network }: Recording, { method, responses }: RecordedCall): number {
  const codec = method.endsWith('/CommitStatus') ? gateway.CommitStatusResponse : gateway.ChaincodeEventsResponse;
  if (method === ENDORSE) return 0;
  return responses.reduce((height, file) => Math.max(height, Number(codec.decode(read(network, file)).blockNumber) + 1), 0);
}

/** Our answers: so many as were recorded, or how the call ended. */
export async function answersOf(recording: Recording, call: RecordedCall, method: Method): Promise<readonly string[]> {
  const [file = ''] = call.requests;
  const request = read(recording.network, file);
  const over = new AbortController();
  const context: CallContext = { remote: 'recorded', peerCertificate: undefined, signal: over.signal };
  const answers: string[] = [];
  try {
    if (method.kind === 'unary') return [printed(call, await method.handle(request, context))];
    const stream: ByteStream = {
      incoming: (async function* () {
        yield request;
      })(),
      send: async (message) => {
        answers.push(printed(call, message));
        if (answers.length === call.responses.length) over.abort(new Error('the recording ends here'));
      },
    };
    await method.handle(stream, context);
  } catch (thrown) {
    if (!over.signal.aborted) answers.push(refusalOf(SelvageError.from(thrown)));
  }
  return answers;
}

export function judgeGateway({ network }: Recording, call: RecordedCall, ours: readonly string[]): Verdict {
  const recorded = call.responses.map((file) => printed(call, read(network, file)));
  const details = hex(call.statusDetails);
  const expected = (call.grpcStatus === Status.OK ? recorded : [`${call.grpcStatus} ${call.grpcMessage} ${details}`]).join('\n');
  const actual = ours.join('\n');
  return actual === expected ? { equal: true } : { equal: false, expected, actual };
}

function refusalOf(error: SelvageError): string {
  const { code, message, metadata = [] } = statusOf(error);
  const details = metadata.find(([name]) => name === 'grpc-status-details-bin')?.[1] ?? '';
  return `${code} ${message} ${Buffer.from(details, 'base64').toString('hex')}`;
}

/** All of an answer; of a prepared transaction all but the signatures, which are never the same twice. */
function printed({ method }: RecordedCall, bytes: Uint8Array): string {
  if (method !== ENDORSE) return hex(bytes);
  const { preparedTransaction } = gateway.EndorseResponse.decode(bytes);
  const { header, data } = common.Payload.decode(preparedTransaction?.payload ?? new Uint8Array());
  const actions = protos.Transaction.decode(data).actions.map(({ header: creator, payload }) => {
    const { chaincodeProposalPayload, action } = protos.ChaincodeActionPayload.decode(payload);
    const endorsers = (action?.endorsements ?? []).map(({ endorser }) => hex(endorser));
    return [hex(creator), hex(chaincodeProposalPayload), hex(action?.proposalResponsePayload ?? new Uint8Array()), ...endorsers].join(' ');
  });
  const headers = [header?.channelHeader, header?.signatureHeader].map((each) => hex(each ?? new Uint8Array()));
  return [...headers, ...actions, `signature ${hex(preparedTransaction?.signature ?? new Uint8Array())}`].join('\n');
}
