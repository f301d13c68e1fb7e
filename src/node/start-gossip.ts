import { join } from 'node:path';
import type { ChannelRegistry } from '../channel/channel-registry.ts';
import type { StateChanges } from '../channel/state-changes.ts';
import { systemClock } from '../common/clock.ts';
import type { Logger } from '../common/log.ts';
import type { Scope } from '../common/scope.ts';
import { systemTimers } from '../common/timers.ts';
import { OwnChannels } from '../gossip/channels/own-channels.ts';
import { nextIncarnation } from '../gossip/membership/incarnation.ts';
import { OwnAlive } from '../gossip/membership/own-alive.ts';
import { ownPeer } from '../gossip/own-peer.ts';
import { OwnView } from '../gossip/own-view.ts';
import type { PeerView } from '../gossip/peers.ts';
import type { LocalMsp } from '../msp/local-msp.ts';
import type { ChaincodeLifecycle } from './chaincode-lifecycle.ts';
import type { PeerConfig } from './config/peer-config.ts';
import { endorsableChaincodes } from './endorsable-chaincodes.ts';

export interface GossipParts {
  readonly membership: LocalMsp;
  readonly channels: ChannelRegistry;
  readonly lifecycle: ChaincodeLifecycle;
  readonly changes: StateChanges;
  readonly log: Logger;
  /** Owns what is started. */
  readonly scope: Scope;
}

/** Who there is: this peer, for as long as no other one is asked. */
export async function startGossip(
  { gossip, fileSystemPath }: PeerConfig,
  { membership, channels, lifecycle, changes, log, scope }: GossipParts,
): Promise<PeerView> {
  const peer = ownPeer({
    signer: membership.signer,
    endpoint: gossip.externalEndpoint,
    internalEndpoint: gossip.internalEndpoint,
    incarnation: await nextIncarnation(join(fileSystemPath, 'gossip'), systemClock),
  });
  const chaincodes = endorsableChaincodes({ channels, lifecycle, changes });
  const own = scope.use(
    await OwnChannels.open({ channels, chaincodes, peer, clock: systemClock, log: log.child({ module: 'gossip.channel' }) }),
  );
  const alive = new OwnAlive({ peer, timers: systemTimers, publishIdentityMs: gossip.publishIdentityMs });
  return new OwnView({ peer, channels: own, alive });
}
