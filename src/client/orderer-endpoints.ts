import type { Cancellable } from '../common/cancel.ts';
import { endpointsOf } from '../msp/channelconfig/bundle.ts';
import type { OrdererEndpoint } from '../msp/channelconfig/channel-bundle.ts';
import { readChannel } from '../msp/channelconfig/channel-values.ts';
import { channelGroup } from './channel-config.ts';
import type { Caller } from './system-calls.ts';

/**
 * Where a channel's ordering service is, as its configuration says: the endpoints of the orderer organisations, or where these name
 * none, the addresses of the whole channel. With each the authorities of its TLS certificate.
 *
 * @throws {SelvageError} `REFUSED_BY_PEER` with the peer's text
 * @see GetOrdererEndpointOfChain in hyperledger/fabric v3.1, internal/peer/common/common.go
 */
export async function ordererEndpoints(caller: Caller, channelId: string, options: Cancellable): Promise<readonly OrdererEndpoint[]> {
  const group = await channelGroup(
    caller,
    channelId,
    options,
    ({ status, message }) => `error getting channel (${channelId}) orderer endpoint: error bad proposal response ${status}: ${message}`,
  );
  const { orderer, addresses } = readChannel(group);
  return endpointsOf(addresses, orderer?.orgs ?? []);
}
