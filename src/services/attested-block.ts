import { isConfigBlock } from '../msp/channelconfig/config-block.ts';
import type { common } from '../protos/messages.ts';

/**
 * What of a block proves that there is one: its header and metadata. A configuration block stays whole.
 * @see SeekInfo_HEADER_WITH_SIG in hyperledger/fabric v3.1, common/deliver/deliver.go
 */
export const attestedBlock = (block: common.Block): common.BlockInit =>
  isConfigBlock(block) ? block : { header: block.header, metadata: block.metadata };
