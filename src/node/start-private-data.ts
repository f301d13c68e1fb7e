import type { ChannelRegistry } from '../channel/channel-registry.ts';
import type { Logger } from '../common/log.ts';
import type { Metrics } from '../common/metrics.ts';
import type { PeerView } from '../gossip/peers.ts';
import type { PrivateDataExchange } from '../gossip/private-exchange.ts';
import { PrivateDataService } from '../privdata/private-data-service.ts';
import type { PeerConfig } from './config/peer-config.ts';

export interface PrivateDataParts {
  readonly channels: ChannelRegistry;
  readonly peers: PeerView;
  readonly exchange: PrivateDataExchange;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Private data as it is configured. */
export const startPrivateData = (
  { localMspId: mspId, privateData: settings, ledger }: PeerConfig,
  parts: PrivateDataParts,
): PrivateDataService =>
  new PrivateDataService({
    ...parts,
    mspId,
    settings,
    retention: BigInt(ledger.transientRetention),
    log: parts.log.child({ module: 'gossip.privdata' }),
  });
