import { type ChaincodeConnection, IncomingMessages } from '../../chaincode/ports/connection.ts';
import { type BrokenCall, brokenCall } from '../../comm/broken-call.ts';
import type { ClientStream } from '../../comm/transport.ts';
import { SelvageError } from '../../common/errors.ts';
import { rethrown } from '../../common/maybe.ts';

export interface ServiceConnectionParts {
  /** An open `protos.Chaincode/Connect` call. */
  readonly call: ClientStream;
  readonly ccid: string;
  /** `host:port` of the service. */
  readonly address: string;
}

/**
 * A stream that the peer opened, as the chaincode stream wants it. Closing says that nothing more will come, which every shim
 * answers by ending its side; whoever opened the call cancels it in the end.
 */
export function serviceConnection({ call, ccid, address }: ServiceConnectionParts): ChaincodeConnection {
  const lost = (cause: unknown): SelvageError => connectionLost(ccid, address, cause);
  const incoming = new IncomingMessages(call.incoming, lost);
  let closed = false;
  return {
    incoming,
    madeFor: ccid,
    remote: address,
    send: (message) => {
      if (closed) throw connectionLost(ccid, address);
      return rethrown(() => call.send(message), lost);
    },
    close: () => {
      if (closed) return;
      closed = true;
      incoming.close();
      call.end();
    },
  };
}

/**
 * A broken call is an end of the stream like any other; how it broke is the cause. The text has the cause, and what to do where that is known, as transactions get nothing else.
 * @see Launch in hyperledger/fabric v2.5, core/chaincode/runtime_launcher.go
 */
function connectionLost(ccid: string, address: string, cause?: unknown): SelvageError {
  const { reason, tooLarge } = cause === undefined ? {} : brokenCall(cause);
  const text = [`connection to ${ccid} terminated`, ...(reason === undefined ? [] : [reason])].join(': ');
  const remedy = tooLarge && sizeRemedy(tooLarge);
  return new SelvageError('CHAINCODE_STREAM_ENDED', remedy === undefined ? text : `${text}\n${remedy}`, {
    cause,
    details: { ccid, address, ...(reason !== undefined && { reason }) },
    advice: remedy ?? `The chaincode service at ${address} closed the connection: look at its log. The peer dials it again.`,
  });
}

const sizeRemedy = ({ bytes, limit, ours }: NonNullable<BrokenCall['tooLarge']>): string =>
  ours
    ? `One message had ${bytes} bytes, and peers take no more than ${limit}, as in Fabric: let the chaincode keep its values smaller.`
    : `The service takes no message over ${limit} bytes, and the peer had one of ${bytes} for it: raise the limit of the service ('grpc.max_receive_message_length' among the options of shim.server, or of fabric-chaincode-node server), or let the chaincode keep its values smaller.`;
