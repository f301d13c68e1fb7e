import { SelvageError } from '../../common/errors.ts';
import { txIdOf } from '../../protos/hashes.ts';
import { common } from '../../protos/messages.ts';

/**
 * The id under which a transaction is found: that of its channel header, or the one its nonce and creator make where the
 * header has none. Undefined for bytes that are no transaction: a block may hold such, as invalid.
 * @see GetOrComputeTxIDFromEnvelope in hyperledger/fabric v2.5, protoutil/txutils.go
 */
export function transactionId(envelope: Uint8Array): string | undefined {
  try {
    const { header } = common.Payload.decode(common.Envelope.decode(envelope).payload);
    if (header === undefined) return undefined;
    const { txId } = common.ChannelHeader.decode(header.channelHeader);
    if (txId !== '') return txId;
    const { nonce, creator } = common.SignatureHeader.decode(header.signatureHeader);
    return nonce.length > 0 && creator.length > 0 ? txIdOf(nonce, creator) : undefined;
  } catch (error) {
    if (error instanceof SelvageError) return undefined;
    throw error;
  }
}
