import { blockDataHash, txIdOf } from '../../protos/hashes.ts';
import { common } from '../../protos/messages.ts';
import type { ChannelSpec } from './channel-spec.ts';
import { configEnvelopeOfBlock } from './config-block.ts';
import { genesisConfig } from './genesis-config.ts';
import { checkChannelId } from './ids.ts';

export interface GenesisOptions {
  readonly now: Date;
  /** 24 random bytes. */
  readonly nonce: Uint8Array;
}

/**
 * Block 0 of a new channel, in the form configtxgen gives it since 1.4.1: one unsigned configuration, five metadata slots.
 * @throws {SelvageError} `CONFIG_INVALID` for a channel id that is not allowed
 * @see Block in hyperledger/fabric v2.5, common/genesis/genesis.go
 */
export function buildGenesisBlock(spec: ChannelSpec, { now, nonce }: GenesisOptions): common.Block {
  checkChannelId(spec.channelId);
  return blockOf(configPayload(spec.channelId, genesisConfig(spec), { now, nonce }));
}

/**
 * Block 0 of a channel that begins as another one did, with the same organisations, policies and capabilities.
 * @throws {SelvageError} `CONFIG_INVALID` for a channel id that is not allowed, or when `like` carries no configuration
 */
export function genesisLike(like: common.Block, channelId: string, options: GenesisOptions): common.Block {
  checkChannelId(channelId);
  const { config } = configEnvelopeOfBlock(like);
  return blockOf(configPayload(channelId, config, options));
}

function blockOf(payload: Uint8Array): common.Block {
  const data = { data: [common.Envelope.encode({ payload })] };
  const lastConfig = common.OrdererBlockMetadata.encode({ lastConfig: {} });
  const empty = new Uint8Array(0);
  const metadata = [common.Metadata.encode({ value: lastConfig }), empty, empty, empty, empty];
  return {
    header: { number: 0n, previousHash: empty, dataHash: blockDataHash(data) },
    data,
    metadata: { metadata },
  };
}

function configPayload(channelId: string, config: common.ConfigInit, { now, nonce }: GenesisOptions): Uint8Array {
  const channelHeader = common.ChannelHeader.encode({
    type: common.HeaderType.CONFIG,
    version: 1,
    timestamp: { seconds: BigInt(Math.floor(now.getTime() / 1_000)) },
    channelId,
    txId: txIdOf(nonce, new Uint8Array(0)),
  });
  return common.Payload.encode({
    header: { channelHeader, signatureHeader: common.SignatureHeader.encode({ nonce }) },
    data: common.ConfigEnvelope.encode({ config }),
  });
}
