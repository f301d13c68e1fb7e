import { type ChaincodeConnection, IncomingMessages } from '../chaincode/ports/connection.ts';
import { brokenCall } from '../comm/broken-call.ts';
import type { ByteStream, CallContext, Method } from '../comm/method.ts';
import { sha256 } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';

/** Takes the stream of one chaincode and serves it until it ends. */
export interface ChaincodeStreams {
  serve(connection: ChaincodeConnection): Promise<unknown>;
}

/** `protos.ChaincodeSupport`: where chaincode registers. It has a port of its own and is never served to clients. */
export function chaincodeSupportService(chaincodes: ChaincodeStreams): Method[] {
  return [{ kind: 'bidi', path: '/protos.ChaincodeSupport/Register', handle: (stream, context) => serve(chaincodes, stream, context) }];
}

async function serve(chaincodes: ChaincodeStreams, stream: ByteStream, context: CallContext): Promise<void> {
  const closed = deferred<SelvageError | undefined>();
  const incoming = new IncomingMessages(stream.incoming, callBroken);
  const { peerCertificate, remote } = context;
  const connection: ChaincodeConnection = {
    incoming,
    peerCertificateHash: peerCertificate && sha256(peerCertificate),
    remote,
    responds: context.responds,
    send: (message) => stream.send(message),
    close: (reason) => {
      incoming.close();
      closed.resolve(reason);
    },
  };
  const reason = await Promise.race([chaincodes.serve(connection).then(() => undefined), closed.promise]);
  if (reason !== undefined) throw reason;
}

/** A call that breaks is an end of the stream like any other; how it broke is part of what transactions are told. */
function callBroken(cause: unknown): SelvageError {
  const { reason, tooLarge } = brokenCall(cause);
  const remedy = tooLarge && [`A message of ${tooLarge.bytes} bytes came: let the chaincode keep its values and answers smaller.`];
  return new SelvageError('CHAINCODE_STREAM_ENDED', [`the call of the chaincode broke: ${reason}`, ...(remedy ?? [])].join('\n'), {
    cause,
    details: { reason },
  });
}
