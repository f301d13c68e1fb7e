import { randomBytes } from 'node:crypto';
import { concatBytes } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { Signer } from '../msp/identity.ts';
import { common } from '../protos/messages.ts';
import { timestamp } from './proposal.ts';
import { signEnvelope } from './transaction.ts';

/** Reads a CONFIG_UPDATE envelope, like a `channel.tx` that configtxgen made. @throws {SelvageError} `MALFORMED` */
function configUpdateOf(envelope: Uint8Array): { readonly channelId: string; readonly update: common.ConfigUpdateEnvelope } {
  const payload = common.Payload.decode(common.Envelope.decode(envelope).payload);
  const header = common.ChannelHeader.decode(payload.header?.channelHeader ?? new Uint8Array(0));
  if (header.type !== common.HeaderType.CONFIG_UPDATE)
    throw new SelvageError('MALFORMED', 'bad type: this is no channel configuration update');
  if (header.channelId === '') throw new SelvageError('MALFORMED', 'empty channel id in the configuration update');
  return { channelId: header.channelId, update: common.ConfigUpdateEnvelope.decode(payload.data) };
}

/**
 * Adds one signature to a configuration update and makes a new envelope, itself signed, around it.
 *
 * @returns `common.Envelope` bytes and the channel they concern
 * @see sanityCheckAndSignConfigTx in hyperledger/fabric v2.5, internal/peer/channel/create.go
 */
export async function signConfigUpdate(
  envelope: Uint8Array,
  signer: Signer,
): Promise<{ readonly channelId: string; readonly envelope: Uint8Array }> {
  const { channelId, update } = configUpdateOf(envelope);
  const signatureHeader = common.SignatureHeader.encode({ creator: signer.serialized, nonce: randomBytes(24) });
  const signature = await signer.sign(concatBytes(signatureHeader, update.configUpdate));
  const data = common.ConfigUpdateEnvelope.encode({
    configUpdate: update.configUpdate,
    signatures: [...update.signatures, { signatureHeader, signature }],
  });
  const header = {
    channelHeader: common.ChannelHeader.encode({ type: common.HeaderType.CONFIG_UPDATE, timestamp: timestamp(), channelId }),
    signatureHeader: common.SignatureHeader.encode({ creator: signer.serialized, nonce: randomBytes(24) }),
  };
  return { channelId, envelope: await signEnvelope(signer, common.Payload.encode({ header, data })) };
}
