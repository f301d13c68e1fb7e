import type { Channels } from '../channel/channel.ts';
import type { Method } from '../comm/method.ts';
import type { Logger } from '../common/log.ts';
import { Discovery } from '../discovery/discovery.ts';
import { DiscoveryAccess } from '../discovery/discovery-access.ts';
import type { EndorsementPlanner } from '../discovery/endorsement-plan.ts';
import { PolicyPlanner } from '../discovery/policy-planner.ts';
import type { PeerView } from '../gossip/peers.ts';
import type { LifecycleCache } from '../lifecycle/lifecycle-cache.ts';
import type { LocalMsp } from '../msp/local-msp.ts';
import { discoveryService } from '../services/discovery-service.ts';
import type { PeerConfig } from './config/peer-config.ts';

export interface DiscoveryServiceParts {
  readonly channels: Channels;
  readonly peers: PeerView;
  readonly cache: LifecycleCache;
  readonly membership: LocalMsp;
  readonly log: Logger;
}

/** Who could endorse what: for the peer itself, and for clients unless `peer.discovery.enabled` is false. */
export function startDiscovery(
  { discovery: { enabled, rememberedVerdicts, retainedVerdicts, orgMembersAllowed } }: PeerConfig,
  { channels, peers, cache, membership, log }: DiscoveryServiceParts,
): { readonly planner: EndorsementPlanner; readonly methods: readonly Method[] } {
  const planner = new PolicyPlanner({ channels, peers, cache });
  const access = new DiscoveryAccess({
    localMsp: membership.msp,
    orgMembersAllowed,
    remembered: { most: rememberedVerdicts, retained: retainedVerdicts },
  });
  const discovery = new Discovery({ channels, peers, planner, access, log: log.child({ module: 'discovery' }) });
  return { planner, methods: enabled ? discoveryService(discovery) : [] };
}
