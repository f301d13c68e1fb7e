import { join } from 'node:path';
import type { ChannelRegistry } from '../channel/channel-registry.ts';
import type { StateChanges } from '../channel/state-changes.ts';
import type { Method } from '../comm/method.ts';
import { systemClock } from '../common/clock.ts';
import type { Logger } from '../common/log.ts';
import type { Metrics } from '../common/metrics.ts';
import { Scope } from '../common/scope.ts';
import { systemTimers as timers } from '../common/timers.ts';
import { OwnChannels } from '../gossip/channels/own-channels.ts';
import { Gossip, type GossipParts } from '../gossip/gossip.ts';
import { IdentityAuthority } from '../gossip/identities/identity-authority.ts';
import { IdentityStore } from '../gossip/identities/identity-store.ts';
import { PeerLinks, type PeerLinksTls } from '../gossip/links/peer-links.ts';
import { nextIncarnation } from '../gossip/membership/incarnation.ts';
import { ownPeer } from '../gossip/own-peer.ts';
import type { PeerView } from '../gossip/peers.ts';
import { PeerPrivateExchange } from '../gossip/private-data/peer-private-exchange.ts';
import type { PrivateDataExchange } from '../gossip/private-exchange.ts';
import { derOfPem } from '../msp/identities/pem.ts';
import type { LocalMsp } from '../msp/local-msp.ts';
import { gossipService } from '../services/gossip-service.ts';
import type { ChaincodeLifecycle } from './chaincode-lifecycle.ts';
import { authoritiesOf } from './client-authorities.ts';
import type { PeerConfig } from './config/peer-config.ts';
import { endorsableChaincodes } from './endorsable-chaincodes.ts';
import { readPem } from './files.ts';
import type { PeerTls } from './tls-material.ts';

export interface NodeGossipParts {
  readonly membership: LocalMsp;
  readonly channels: ChannelRegistry;
  readonly lifecycle: ChaincodeLifecycle;
  readonly changes: StateChanges;
  readonly tls: PeerTls | undefined;
  /** Peers to go to, beside those that channels name. */
  readonly contacts?: GossipParts['also'];
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** The peer among others. Until it is started it knows itself alone. */
export interface NodeGossip {
  readonly peers: PeerView;
  readonly links: PeerLinks;
  readonly privateData: PrivateDataExchange;
  readonly identities: IdentityStore;
  readonly methods: readonly Method[];
  /** Goes to the others. Call it when they can come here, too; disposing the result takes leave of them. */
  start(): AsyncDisposable;
}

/** @param scope owns what does not end with the connections to others */
export async function prepareGossip(config: PeerConfig, parts: NodeGossipParts, scope: Scope): Promise<NodeGossip> {
  const { membership, channels, lifecycle, changes, log, metrics } = parts;
  const { gossip: settings, fileSystemPath } = config;
  const { signer } = membership;
  const peer = ownPeer({
    signer,
    endpoint: settings.externalEndpoint,
    internalEndpoint: settings.internalEndpoint,
    incarnation: await nextIncarnation(join(fileSystemPath, 'gossip'), systemClock),
  });
  const bundles = () => channels.list().map((channel) => channel.bundle());
  const authority = new IdentityAuthority({ local: membership.msp, bundles });
  const identities = scope.use(new IdentityStore({ authority, self: signer.serialized, timers }));
  const links = scope.use(
    new PeerLinks({
      signer,
      identities,
      tls: await linksTls(config, parts),
      settings: {
        dialTimeoutMs: settings.dialTimeoutMs,
        connTimeoutMs: settings.connectTimeoutMs,
        sendBufferSize: settings.sendBuffer,
      },
      timers,
      log: log.child({ module: 'gossip.comm' }),
      metrics,
    }),
  );
  const bundleOf = (channelId: string) => channels.get(channelId)?.bundle();
  const privateData = scope.use(new PeerPrivateExchange({ links, bundleOf, log: log.child({ module: 'gossip.privdata' }) }));
  const chaincodes = endorsableChaincodes({ channels, lifecycle, changes });
  const channelLog = log.child({ module: 'gossip.channel' });
  const own = scope.use(await OwnChannels.open({ channels, chaincodes, peer, clock: systemClock, log: channelLog }));
  const gossip = new Gossip({
    peer,
    identities,
    links,
    channels: own,
    settings,
    bootstrap: settings.bootstrap,
    also: parts.contacts,
    timers,
    log,
    metrics,
  });
  return {
    peers: gossip.view,
    links,
    privateData,
    identities,
    methods: gossipService(links),
    start: () => {
      const scope = new Scope();
      scope.use(links);
      scope.use(gossip);
      gossip.start();
      return scope;
    },
  };
}

/** What this peer shows to others, and whom it trusts: its own authority and those of the organisations of its channels. */
async function linksTls(config: PeerConfig, { tls, channels }: NodeGossipParts): Promise<PeerLinksTls | undefined> {
  if (tls === undefined) return undefined;
  const own = config.tls?.rootCertFile === undefined ? [] : [await readPem(config.tls.rootCertFile)];
  const { key, cert } = tls.client;
  return {
    key,
    cert,
    shows: derOfPem(cert),
    showsAsServer: derOfPem(tls.server.cert),
    roots: () => [...own, ...channels.list().flatMap(authoritiesOf)],
  };
}
