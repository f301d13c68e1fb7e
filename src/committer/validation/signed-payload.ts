import { common, protos } from '../../protos/messages.ts';
import { type Checked, failed, parsed, passed } from './outcome.ts';
import type { ValidationRules } from './rules.ts';

const { BAD_COMMON_HEADER, BAD_PAYLOAD, INVALID_OTHER_REASON } = protos.TxValidationCode;

/** Header type of Fabric 1.1's resource tree updates, which never left the experiment. */
const PEER_RESOURCE_UPDATE = 7;

/** A transaction's outer frame, parsed; nothing is verified yet. */
export interface SignedPayload {
  readonly envelope: common.Envelope;
  readonly payload: common.Payload;
  /** Header bytes as received. */
  readonly header: common.Header;
  readonly channelHeader: common.ChannelHeader;
  readonly signatureHeader: common.SignatureHeader;
}

/**
 * Steps 1 to 3: envelope, payload, headers.
 * @see ValidateTransaction in hyperledger/fabric v1.1 and v2.5, core/common/validation/msgvalidation.go
 */
export function readSignedPayload(bytes: Uint8Array, rules: ValidationRules): Checked<SignedPayload> {
  const envelope = parsed(INVALID_OTHER_REASON, () => common.Envelope.decode(bytes, rules));
  if (!envelope.ok) return envelope;
  const payload = parsed(BAD_PAYLOAD, () => common.Payload.decode(envelope.value.payload, rules));
  if (!payload.ok) return payload;
  const { header } = payload.value;
  if (header === undefined) return failed(BAD_COMMON_HEADER, 'nil header');
  const headers = parsed(BAD_COMMON_HEADER, () => ({
    channelHeader: common.ChannelHeader.decode(header.channelHeader, rules),
    signatureHeader: common.SignatureHeader.decode(header.signatureHeader, rules),
  }));
  if (!headers.ok) return headers;
  const fault = channelHeaderFault(headers.value.channelHeader, rules) ?? signatureHeaderFault(headers.value.signatureHeader);
  if (fault !== undefined) return failed(BAD_COMMON_HEADER, fault);
  return passed({ envelope: envelope.value, payload: payload.value, header, ...headers.value });
}

function channelHeaderFault({ type, epoch }: common.ChannelHeader, { strict }: ValidationRules): string | undefined {
  if (!isKnownType(type) && !(strict && type === PEER_RESOURCE_UPDATE)) return `invalid header type ${type}`;
  if (epoch !== 0n) return `invalid Epoch in ChannelHeader. Expected 0, got [${epoch}]`;
  return undefined;
}

const isKnownType = (type: number): boolean =>
  type === common.HeaderType.ENDORSER_TRANSACTION || type === common.HeaderType.CONFIG || type === common.HeaderType.CONFIG_UPDATE;

/** What is wrong with a signature header, of the payload or of an action. */
export function signatureHeaderFault({ nonce, creator }: common.SignatureHeader): string | undefined {
  if (nonce.length === 0) return 'invalid nonce specified in the header';
  if (creator.length === 0) return 'invalid creator specified in the header';
  return undefined;
}
