import type { Cancellable } from '../common/cancel.ts';
import { endpointsOf } from '../msp/channelconfig/bundle.ts';
import type { OrdererEndpoint } from '../msp/channelconfig/channel-bundle.ts';
import { readChannel } from '../msp/channelconfig/channel-values.ts';
import { configEnvelopeOfBlock } from '../msp/channelconfig/config-block.ts';
import { channelConfigBlock } from './channel-config.ts';
import type { Caller } from './system-calls.ts';

/**
 * Where a channel's ordering service is, as its configuration says: the endpoints of the orderer organisations, or where these name
 * none, the addresses of the whole channel. With each the authorities of its TLS certificate.
 *
 * @throws {SelvageError} `REFUSED_BY_PEER` with the peer's text
 * @see GetOrdererEndpointOfChain in hyperledger/fabric v3.1, internal/peer/common/common.go
 */
export async function ordererEndpoints(caller: Caller, channelId: string, options: Cancellable): Promise<readonly OrdererEndpoint[]> {
  const block = await channelConfigBlock(
    caller,
    channelId,
    options,
    ({ status, message }) => `error getting channel (${channelId}) orderer endpoint: error bad proposal response ${status}: ${message}`,
  );
  const group = configEnvelopeOfBlock(block).config.channelGroup;
  if (group === undefined) return [];
  const { orderer, addresses } = readChannel(group);
  return endpointsOf(addresses, orderer?.orgs ?? []);
}
