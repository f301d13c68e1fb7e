import { detach } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { common } from '../../protos/messages.ts';
import { unreadable } from '../../protos/unreadable.ts';

/**
 * The channel a block belongs to, by its first transaction.
 * @throws {SelvageError} `CONFIG_INVALID`
 * @see GetChannelIDFromBlock in hyperledger/fabric v2.5, protoutil/blockutils.go
 */
export function channelIdOfBlock(block: common.Block): string {
  const first = block.data?.data[0];
  if (first === undefined) throw refused('failed to retrieve channel id - block is empty');
  const { payload } = parsed(() => common.Envelope.decode(first), 'error unmarshalling Envelope');
  const { header } = parsed(() => common.Payload.decode(payload), 'error unmarshalling Payload');
  if (header === undefined) throw refused('failed to retrieve channel id - payload header is empty');
  return parsed(() => common.ChannelHeader.decode(header.channelHeader), 'error unmarshalling ChannelHeader').channelId;
}

/**
 * The configuration a block carries, with everything in memory of its own. What a peer is asked to join must pass this.
 * @throws {SelvageError} `CONFIG_INVALID` with the reason JoinChain gives
 * @see validateConfigBlock in hyperledger/fabric v2.5, core/scc/cscc/configure.go
 */
export function configEnvelopeOfBlock(block: common.Block): ConfigEnvelopeWithGroups {
  if (block.data === undefined) throw refused('Failed to block data is nil');
  const first = block.data.data[0];
  if (first === undefined) throw refused('Failed to envelope index out of bounds');
  const envelope = parsed(() => common.Envelope.decode(detach(first)), 'Failed to block data does not carry an envelope at index 0');
  const configEnvelope = parsed(() => contentOf(envelope, common.HeaderType.CONFIG, common.ConfigEnvelope), 'Bad configuration envelope');
  const { config } = configEnvelope;
  if (config === undefined) throw refused('Nil config envelope Config');
  const { channelGroup } = config;
  if (channelGroup === undefined) throw refused('Nil channel group');
  if (channelGroup.groups.size === 0) throw refused('No channel configuration groups are available');
  return { ...configEnvelope, config: { ...config, channelGroup } };
}

/** A `common.ConfigEnvelope` that has a configuration and a channel group. */
export interface ConfigEnvelopeWithGroups extends common.ConfigEnvelope {
  readonly config: common.Config & { readonly channelGroup: common.ConfigGroup };
}

/**
 * Refuses a configuration that no application channel has.
 * @throws {SelvageError} `CONFIG_INVALID`
 */
export function checkHasApplication({ config }: ConfigEnvelopeWithGroups): void {
  if (!config.channelGroup.groups.has('Application')) throw refused('Invalid configuration block, missing Application configuration group');
}

/** Whether a block has one transaction and that is a configuration. */
export function isConfigBlock({ data }: common.Block): boolean {
  const [only, ...more] = data?.data ?? [];
  if (only === undefined || more.length > 0) return false;
  try {
    const { header } = common.Payload.decode(common.Envelope.decode(only).payload);
    return header !== undefined && common.ChannelHeader.decode(header.channelHeader).type === common.HeaderType.CONFIG;
  } catch {
    return false;
  }
}

/**
 * Number of the newest configuration block at or before a block, as its metadata say: the signed value of Fabric 1.4.1 and
 * later, else the LAST_CONFIG slot.
 * @see GetLastConfigIndexFromBlock in hyperledger/fabric v2.5, protoutil/blockutils.go
 */
export function lastConfigOf(block: common.Block): bigint {
  const slot = (index: number): Uint8Array => common.Metadata.decode(block.metadata?.metadata[index] ?? new Uint8Array(0)).value;
  const signed = slot(common.BlockMetadataIndex.SIGNATURES);
  if (signed.length > 0) return common.OrdererBlockMetadata.decode(signed).lastConfig?.index ?? 0n;
  return common.LastConfig.decode(slot(common.BlockMetadataIndex.LAST_CONFIG)).index;
}

/**
 * The message inside an envelope that must be of one type.
 * @throws {SelvageError} `CONFIG_INVALID`
 * @see UnmarshalEnvelopeOfType in hyperledger/fabric v2.5, protoutil/commonutils.go
 */
export function contentOf<T>(envelope: common.Envelope, type: number, codec: { decode(bytes: Uint8Array): T }): T {
  const payload = parsed(() => common.Payload.decode(envelope.payload), 'error unmarshalling Payload');
  const { header } = payload;
  if (header === undefined) throw refused('envelope must have a Header');
  const channelHeader = parsed(() => common.ChannelHeader.decode(header.channelHeader), 'error unmarshalling ChannelHeader');
  if (channelHeader.type !== type) throw refused(`invalid type ${typeName(channelHeader.type)}, expected ${typeName(type)}`);
  return parsed(() => codec.decode(payload.data), `error unmarshalling message for type ${typeName(type)}`);
}

/** Name of a header type, or its number when it has none. */
const typeName = (type: number): string => Object.entries(common.HeaderType).find(([, value]) => value === type)?.[0] ?? String(type);

function parsed<T>(parse: () => T, what: string): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof SelvageError && cause.code !== 'MALFORMED')
      throw new SelvageError(cause.code, `${what}: ${cause.message}`, { cause });
    throw new SelvageError('CONFIG_INVALID', `${what}: ${unreadable(cause)}`, { cause });
  }
}

const refused = (message: string): SelvageError => new SelvageError('CONFIG_INVALID', message);
