import type { Signer } from '../msp/identity.ts';
import { common, orderer } from '../protos/messages.ts';
import { timestamp } from './proposal.ts';
import { signEnvelope } from './transaction.ts';

export type BlockPosition = 'newest' | 'oldest' | bigint;

/** Which blocks to deliver; without `stop` they keep coming. */
export interface BlockRange {
  readonly start: BlockPosition;
  readonly stop?: BlockPosition;
  /** End with status 404 instead of waiting for a block that is not there yet. */
  readonly failIfNotReady?: boolean;
  /** Take the block from a node that knows that it may be behind, instead of an error. */
  readonly bestEffort?: boolean | undefined;
  /** Headers and metadata alone, but for configuration blocks (3.x). */
  readonly headersOnly?: boolean | undefined;
  /** SHA-256 of the client's TLS certificate, needed with mutual TLS. */
  readonly tlsCertHash?: Uint8Array | undefined;
}

const MAX_UINT64 = 0xffff_ffff_ffff_ffffn;

const positionOf = (at: BlockPosition): orderer.SeekPositionInit =>
  at === 'newest' ? { newest: {} } : at === 'oldest' ? { oldest: {} } : { specified: { number: at } };

/** A signed request for blocks, as `common.Envelope` bytes. */
export function seekEnvelope(signer: Signer, channelId: string, range: BlockRange): Promise<Uint8Array> {
  const data = orderer.SeekInfo.encode({
    start: positionOf(range.start),
    stop: positionOf(range.stop ?? MAX_UINT64),
    behavior:
      range.failIfNotReady === true ? orderer.SeekInfo_SeekBehavior.FAIL_IF_NOT_READY : orderer.SeekInfo_SeekBehavior.BLOCK_UNTIL_READY,
    errorResponse: range.bestEffort === true ? orderer.SeekInfo_SeekErrorResponse.BEST_EFFORT : orderer.SeekInfo_SeekErrorResponse.STRICT,
    contentType: range.headersOnly === true ? orderer.SeekInfo_SeekContentType.HEADER_WITH_SIG : orderer.SeekInfo_SeekContentType.BLOCK,
  });
  const channelHeader = common.ChannelHeader.encode({
    type: common.HeaderType.DELIVER_SEEK_INFO,
    timestamp: timestamp(),
    channelId,
    tlsCertHash: range.tlsCertHash,
  });
  const signatureHeader = common.SignatureHeader.encode({ creator: signer.serialized });
  return signEnvelope(signer, common.Payload.encode({ header: { channelHeader, signatureHeader }, data }));
}
