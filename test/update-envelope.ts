import { common } from '../src/protos/messages.ts';

/** A CONFIG_UPDATE as configtxlator's users write it to a file: signed by nobody yet. */
export function updateEnvelope(update: common.ConfigUpdate): Uint8Array {
  const { channelId } = update;
  const data = common.ConfigUpdateEnvelope.encode({ configUpdate: common.ConfigUpdate.encode(update) });
  const channelHeader = common.ChannelHeader.encode({ type: common.HeaderType.CONFIG_UPDATE, channelId });
  return common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader }, data }) });
}
