import type { Clock } from '../common/clock.ts';
import type { ChannelBundle, OrdererConfig } from '../msp/channelconfig/channel-bundle.ts';
import { expiryOf } from '../msp/identities/serialized-identity.ts';
import type { SignedData } from '../msp/policies/policy.ts';
import { common } from '../protos/messages.ts';
import { unreadable } from '../protos/unreadable.ts';
import { OF_STRANGERS } from '../protos/wire.ts';

/** The answer to a broadcast: `common.Status` and what Fabric says with it. */
export interface BroadcastAnswer {
  readonly status: number;
  readonly info: string;
}

/** An envelope and what was read of it once. */
export interface ReceivedEnvelope {
  readonly envelope: common.Envelope;
  readonly channelHeader: common.ChannelHeader;
}

const { BAD_REQUEST, FORBIDDEN } = common.Status;

/** Payload and signature, which is how Fabric measures a message everywhere. */
export const sizeOf = ({ payload, signature }: common.Envelope): number => payload.length + signature.length;

/**
 * Why an envelope may not be ordered on a channel, or undefined when it may. What is inside is nobody's business here: a
 * duplicate or garbage gets ordered, and validation deals with it.
 * @see CreateStandardChannelFilters in hyperledger/fabric v2.5, orderer/common/msgprocessor/standardchannel.go
 */
export async function refusalOf(
  envelope: common.Envelope,
  { bundle, clock }: { readonly bundle: ChannelBundle & { readonly orderer: OrdererConfig }; readonly clock: Clock },
): Promise<BroadcastAnswer | undefined> {
  if (envelope.payload.length === 0) return badRequest('Message was empty');
  const signed = signedDataOf(envelope);
  if ('status' in signed) return signed;
  const expiry = bundle.orderer.expirationCheck ? expiryOf(signed.identity) : undefined;
  if (expiry !== undefined && clock.now() >= expiry) return badRequest('broadcast client identity expired');
  const { absoluteMaxBytes } = bundle.orderer.batchSize;
  const size = sizeOf(envelope);
  if (size > absoluteMaxBytes) return badRequest(`message payload is ${size} bytes and exceeds maximum allowed ${absoluteMaxBytes} bytes`);
  const writers = bundle.orderer.maintenance ? '/Channel/Orderer/Writers' : '/Channel/Writers';
  const verdict = await bundle.policies.get(writers).evaluate([signed]);
  return verdict.ok ? undefined : { status: FORBIDDEN, info: `${verdict.reason}: permission denied` };
}

/** What the envelope's signature covers and who claims it. @see EnvelopeAsSignedData in hyperledger/fabric v2.5, protoutil/signeddata.go */
function signedDataOf({ payload, signature }: common.Envelope): SignedData | BroadcastAnswer {
  const decoded = attempt(() => common.Payload.decode(payload, OF_STRANGERS));
  if ('why' in decoded) return badRequest(`could not convert message to signedData: ${decoded.why}`);
  const { header } = decoded.value;
  if (header === undefined) return badRequest('could not convert message to signedData: Missing Header');
  const signer = attempt(() => common.SignatureHeader.decode(header.signatureHeader, OF_STRANGERS));
  if ('why' in signer) return badRequest(`could not convert message to signedData: GetSignatureHeaderFromBytes failed, err ${signer.why}`);
  return { data: payload, identity: signer.value.creator, signature };
}

/**
 * The channel header of an envelope, or why it has none.
 * @see ChannelHeader in hyperledger/fabric v2.5, protoutil/commonutils.go
 */
export function received(bytes: Uint8Array): ReceivedEnvelope | BroadcastAnswer {
  const undetermined = (why: string): BroadcastAnswer => badRequest(`could not determine channel ID: ${why}`);
  const envelope = attempt(() => common.Envelope.decode(bytes, OF_STRANGERS));
  if ('why' in envelope) return undetermined(`error unmarshalling Envelope: ${envelope.why}`);
  const payload = attempt(() => common.Payload.decode(envelope.value.payload, OF_STRANGERS));
  if ('why' in payload) return undetermined(`error unmarshalling Payload: ${payload.why}`);
  const { header } = payload.value;
  if (header === undefined) return undetermined('header not set');
  if (header.channelHeader.length === 0) return undetermined('channel header not set');
  const channelHeader = attempt(() => common.ChannelHeader.decode(header.channelHeader, OF_STRANGERS));
  if ('why' in channelHeader)
    return undetermined(`error unmarshalling channel header: error unmarshalling ChannelHeader: ${channelHeader.why}`);
  return { envelope: envelope.value, channelHeader: channelHeader.value };
}

function attempt<T>(decode: () => T): { readonly value: T } | { readonly why: string } {
  try {
    return { value: decode() };
  } catch (thrown) {
    return { why: unreadable(thrown) };
  }
}

export const badRequest = (info: string): BroadcastAnswer => ({ status: BAD_REQUEST, info });
