import type { ChannelRegistry } from '../channel/channel-registry.ts';
import type { JoinedChannel } from '../channel/joined-channel.ts';
import type { GrpcServer } from '../comm/server.ts';
import type { Pem } from '../comm/tls.ts';
import { Scope } from '../common/scope.ts';

/**
 * Lets in clients of every organisation of the peer's channels, beside those of the configured authorities. What the channels say
 * counts as soon as it is in force.
 *
 * @param configured PEM: `peer.tls.clientRootCAs` and the peer's own root
 * @see updateTrustedRoots in hyperledger/fabric v2.5, core/peer/peer.go
 */
export function trustMembers(
  server: Pick<GrpcServer, 'trust'>,
  channels: Pick<ChannelRegistry, 'list' | 'onJoined'>,
  configured: readonly Pem[],
): AsyncDisposable {
  const scope = new Scope();
  const update = (): void => server.trust([...configured, ...channels.list().flatMap(authoritiesOf)]);
  const follow = (channel: JoinedChannel): void => void scope.use(channel.onConfigured(update));
  for (const channel of channels.list()) follow(channel);
  scope.use(
    channels.onJoined((channel) => {
      follow(channel);
      update();
    }),
  );
  update();
  return scope;
}

/** PEM: authorities of the TLS certificates of a channel's members. */
export const authoritiesOf = (channel: JoinedChannel): readonly Pem[] =>
  (channel.bundle().application?.orgs ?? []).flatMap(({ tlsRoots }) => tlsRoots);
