import type { Cancellable } from '../common/cancel.ts';
import { endpointsOf } from '../msp/channelconfig/bundle.ts';
import { readChannel } from '../msp/channelconfig/channel-values.ts';
import { configEnvelopeOfBlock } from '../msp/channelconfig/config-block.ts';
import { common } from '../protos/messages.ts';
import { evaluate } from './submit.ts';
import type { Caller } from './system-calls.ts';

/**
 * Where a channel's ordering service is, as its configuration says: the endpoints of the orderer organisations, or where these name
 * none, the addresses of the whole channel.
 *
 * @throws {SelvageError} `REFUSED_BY_PEER` with the peer's text
 * @see GetOrdererEndpointOfChain in hyperledger/fabric v3.1, internal/peer/common/common.go
 */
export async function ordererEndpoints({ peer, signer }: Caller, channelId: string, options: Cancellable): Promise<readonly string[]> {
  const refusal = ({ status, message }: { readonly status: number; readonly message: string }): string =>
    `error getting channel (${channelId}) orderer endpoint: error bad proposal response ${status}: ${message}`;
  const spec = { channelId: '', chaincode: 'cscc', args: ['GetConfigBlock', channelId] };
  const { payload } = await evaluate(peer, signer, spec, { ...options, refusal });
  const group = configEnvelopeOfBlock(common.Block.decode(payload)).config.channelGroup;
  if (group === undefined) return [];
  const { orderer, addresses } = readChannel(group);
  return endpointsOf(addresses, orderer?.orgs ?? []).map(({ address }) => address);
}
