import { type ChaincodeConnection, IncomingMessages } from '../../chaincode/ports/connection.ts';
import type { ClientStream } from '../../comm/client.ts';
import { SelvageError } from '../../common/errors.ts';

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
  const incoming = new IncomingMessages(untilBroken(call.incoming, ccid, address));
  let closed = false;
  return {
    incoming,
    dialledFor: ccid,
    remote: address,
    send: (message) => (closed ? Promise.reject(connectionLost(ccid, address)) : call.send(message)),
    close: () => {
      if (closed) return;
      closed = true;
      incoming.close();
      call.end();
    },
  };
}

/** A broken call is an end of the stream like any other; how it broke is the cause. */
async function* untilBroken(frames: AsyncIterable<Uint8Array>, ccid: string, address: string): AsyncGenerator<Uint8Array> {
  try {
    yield* frames;
  } catch (cause) {
    throw connectionLost(ccid, address, cause);
  }
}

/** @see Launch in hyperledger/fabric v2.5, core/chaincode/runtime_launcher.go */
const connectionLost = (ccid: string, address: string, cause?: unknown): SelvageError =>
  new SelvageError('CHAINCODE_STREAM_ENDED', `connection to ${ccid} terminated`, {
    cause,
    details: { ccid, address, ...(cause instanceof Error && { reason: cause.message }) },
    advice: `The chaincode service at ${address} closed the connection: look at its log. The peer dials it again.`,
  });
