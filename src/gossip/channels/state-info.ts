import { detach, hex } from '../../common/bytes.ts';
import type { gossip } from '../../protos/messages.ts';
import { type Timestamp, timestampOf } from '../membership/timestamp.ts';
import { nestedEnvelope, type ReceivedMessage, readEnvelope } from '../wire/envelope.ts';
import type { NamedChaincode } from './own-state-info.ts';

/** What a peer says of itself in a channel. Whether it is true is not known: only that it said so, once that was verified. */
export interface StateInfo {
  readonly received: ReceivedMessage;
  readonly pkiId: Uint8Array;
  /** The pki id in hexadecimal. */
  readonly key: string;
  readonly mac: Uint8Array;
  readonly timestamp: Timestamp;
  readonly height: bigint;
  readonly chaincodes: readonly NamedChaincode[];
  /** It takes part no more. */
  readonly left: boolean;
}

/** A state info has some 200 bytes, and some 20 more for each chaincode. */
const MOST_BYTES = 64 * 1024;

/** Whether somebody has blown it up: then it is passed over, and what stands beside it in a snapshot is not. */
export const isTooLarge = ({ payload, signature }: gossip.Envelope): boolean => payload.length + signature.length > MOST_BYTES;

/** The state info in an envelope; undefined where there is none, or one without id or signature. */
export function stateInfoIn(received: ReceivedMessage): StateInfo | undefined {
  const { stateInfo } = received.message;
  const { signature } = received.signed;
  if (stateInfo === undefined || stateInfo.pkiId.length === 0 || signature.length === 0) return undefined;
  if (received.envelope.length > MOST_BYTES) return undefined;
  const { pkiId, channelMAC: mac, timestamp, properties } = stateInfo;
  return {
    received,
    pkiId,
    key: hex(pkiId),
    mac,
    timestamp: timestampOf(timestamp),
    height: properties?.ledgerHeight ?? 0n,
    chaincodes: properties?.chaincodes.map(({ name, version }) => ({ name, version })) ?? [],
    left: properties?.leftChannel ?? false,
  };
}

/** The same inside another message. @throws {SelvageError} `MALFORMED` when what is there is no message at all */
export const nestedStateInfo = (nested: gossip.Envelope): StateInfo | undefined => stateInfoIn(readEnvelope(nestedEnvelope(nested)));

/** In memory of its own, for what outlives the message that it came in. */
export const keptStateInfo = (info: StateInfo): StateInfo => stateInfoIn(readEnvelope(detach(info.received.envelope))) ?? info;
