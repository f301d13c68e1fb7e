import type { Cancellable } from '../common/cancel.ts';
import { configEnvelopeOfBlock } from '../msp/channelconfig/config-block.ts';
import { common } from '../protos/messages.ts';
import { evaluate, type RefusalText } from './submit.ts';
import type { Caller } from './system-calls.ts';

/** A channel's configuration in force, as a peer has it: its root group. @throws {SelvageError} `REFUSED_BY_PEER` with the peer's text */
export async function channelGroup(
  { peer, signer }: Caller,
  channelId: string,
  options: Cancellable,
  refusal: RefusalText = ({ status, message }) =>
    `error getting channel (${channelId}) configuration: bad proposal response ${status}: ${message}`,
): Promise<common.ConfigGroup> {
  const spec = { channelId: '', chaincode: 'cscc', args: ['GetConfigBlock', channelId] };
  const { payload } = await evaluate(peer, signer, spec, { ...options, refusal });
  return configEnvelopeOfBlock(common.Block.decode(payload)).config.channelGroup;
}
