/** Peers with links over real sockets, for tests. */
import type { Method } from '../../src/comm/method.ts';
import { listen } from '../../src/comm/server.ts';
import type { Transport } from '../../src/comm/transport.ts';
import { silent } from '../../src/common/log.ts';
import { unmeasured } from '../../src/common/metrics.ts';
import type { Scope } from '../../src/common/scope.ts';
import { systemTimers, type Timers } from '../../src/common/timers.ts';
import { PeerLinks, type PeerLinksParts } from '../../src/gossip/links/peer-links.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import { derOfPem } from '../../src/msp/identities/pem.ts';
import type { Organization } from '../../src/msp/material/organization.ts';
import { gossipService } from '../../src/services/gossip-service.ts';
import { identitiesOf } from './gossip-peers.ts';

export interface LinkedPeerSpec {
  readonly org: Organization;
  readonly at?: number;
  readonly channels?: readonly ChannelBundle[];
  /** Whether its streams have TLS; they have unless told. */
  readonly tls?: boolean;
  /** Whose TLS authorities it trusts; its own organisation's unless told. */
  readonly trusts?: readonly Organization[];
  readonly timers?: Timers;
  readonly parts?: Partial<PeerLinksParts>;
  readonly served?: Transport;
}

/** Of `peer.gossip`, where the test's clock counts. */
const DEFAULTS = { dialTimeoutMs: 3_000, connTimeoutMs: 2_000 };
/** Where it is the machine's, which may be busy. */
const PATIENT = { dialTimeoutMs: 200_000, connTimeoutMs: 200_000 };

/** A peer with a port of its own. */
export async function linkedPeer(scope: Scope, spec: LinkedPeerSpec) {
  const { org, at = 0, channels = [], tls = true, trusts = [org], timers = systemTimers, parts, served } = spec;
  const { signer, store, authority } = identitiesOf(org, { at, channels, timers });
  const { privateKey: key = '', certificate: cert = '' } = org.nodes[at]?.tls ?? {};
  const shows = derOfPem(cert);
  const links = new PeerLinks({
    signer,
    identities: store,
    tls: tls ? { key, cert, shows, showsAsServer: shows, roots: () => trusts.map(({ tlsCa }) => tlsCa.certificate) } : undefined,
    settings: { ...(spec.timers === undefined ? PATIENT : DEFAULTS), sendBufferSize: 20 },
    timers,
    log: silent,
    metrics: unmeasured,
    ...parts,
  });
  const methods: Method[] = gossipService(links);
  const server = await listen(
    { address: '127.0.0.1:0', tls: tls ? { key, cert, asksForCertificates: true } : undefined, methods, log: silent },
    ...(served === undefined ? [] : ([served] as const)),
  );
  scope.use(server);
  scope.use(links);
  scope.use(store);
  return {
    links,
    store,
    authority,
    signer,
    endpoint: `127.0.0.1:${server.port}`,
    pkiId: store.self.pkiId,
    server,
    tls: { key, cert, shows },
  };
}

export type LinkedPeer = Awaited<ReturnType<typeof linkedPeer>>;
