import type { Cancellable } from '../common/cancel.ts';
import { common } from '../protos/messages.ts';
import { evaluate, type RefusalText } from './submit.ts';
import type { Caller } from './system-calls.ts';

/** The newest configuration block of a channel, as a peer has it. @throws {SelvageError} `REFUSED_BY_PEER` with the peer's text */
export async function channelConfigBlock(
  { peer, signer }: Caller,
  channelId: string,
  options: Cancellable,
  refusal: RefusalText = ({ status, message }) =>
    `error getting channel (${channelId}) configuration: bad proposal response ${status}: ${message}`,
): Promise<common.Block> {
  const spec = { channelId: '', chaincode: 'cscc', args: ['GetConfigBlock', channelId] };
  const { payload } = await evaluate(peer, signer, spec, { ...options, refusal });
  return common.Block.decode(payload);
}
