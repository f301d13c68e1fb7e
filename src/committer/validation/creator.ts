import { messageOf, SelvageError } from '../../common/errors.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import type { Identity } from '../../msp/identity.ts';
import { protos } from '../../protos/messages.ts';
import { type Checked, failed, passed } from './outcome.ts';
import type { SignedPayload } from './signed-payload.ts';

const { BAD_CREATOR_SIGNATURE } = protos.TxValidationCode;

/**
 * Step 4: the creator is a valid member of this channel and signed the payload. A transaction that names another channel fails
 * here: Fabric would look its creator up elsewhere, with a verdict that differs from peer to peer.
 */
export async function checkCreator(
  { envelope, channelHeader, signatureHeader }: SignedPayload,
  bundle: ChannelBundle,
): Promise<Checked<void>> {
  if (channelHeader.channelId !== bundle.channelId) {
    return failed(BAD_CREATOR_SIGNATURE, `could not get msp for channel [${channelHeader.channelId}]`, {
      channel: channelHeader.channelId,
    });
  }
  if (envelope.signature.length === 0) return failed(BAD_CREATOR_SIGNATURE, 'nil arguments');
  const creator = validIdentity(signatureHeader.creator, bundle);
  if (!creator.ok) return creator;
  if (await creator.value.verify(envelope.payload, envelope.signature)) return passed(undefined);
  return failed(BAD_CREATOR_SIGNATURE, "creator's signature over the proposal is not valid", { creatorMsp: creator.value.mspId });
}

function validIdentity(serialized: Uint8Array, bundle: ChannelBundle): Checked<Identity> {
  try {
    const identity = bundle.msps.deserialize(serialized);
    identity.validate();
    return passed(identity);
  } catch (thrown) {
    if (!(thrown instanceof SelvageError) || (thrown.code !== 'IDENTITY_INVALID' && thrown.code !== 'MALFORMED')) throw thrown;
    return failed(BAD_CREATOR_SIGNATURE, messageOf(thrown));
  }
}
