import type { GrpcClient } from '../comm/client.ts';
import type { Cancellable } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import type { Signer } from '../msp/identity.ts';
import { discovery, gossip } from '../protos/messages.ts';

/** A peer as another one knows it. */
export interface DiscoveredPeer {
  readonly mspId: string;
  /** `host:port`, as the peer gives it to those outside its organisation. */
  readonly address: string;
}

/**
 * Asks a peer who takes part in a channel.
 *
 * @param tlsCertHash SHA-256 of the certificate that this connection shows; peers with TLS answer nobody without one
 * @throws {SelvageError} `REFUSED_BY_PEER` with the peer's text
 */
export async function discoverPeers(
  grpc: Pick<GrpcClient, 'unary'>,
  signer: Signer,
  { channelId, tlsCertHash }: { readonly channelId: string; readonly tlsCertHash: Uint8Array | undefined },
  options: Cancellable,
): Promise<readonly DiscoveredPeer[]> {
  const payload = discovery.Request.encode({
    authentication: { clientIdentity: signer.serialized, clientTlsCertHash: tlsCertHash },
    queries: [{ channel: channelId, peerQuery: {} }],
  });
  const request = discovery.SignedRequest.encode({ payload, signature: await signer.sign(payload) });
  const [result] = discovery.Response.decode(await grpc.unary('/discovery.Discovery/Discover', request, options)).results;
  if (result?.error !== undefined) throw new SelvageError('REFUSED_BY_PEER', result.error.content);
  return [...(result?.members?.peersByOrg ?? [])].flatMap(([mspId, { peers }]) =>
    peers.flatMap(({ membershipInfo }) => {
      const address = membershipInfo && gossip.GossipMessage.decode(membershipInfo.payload).aliveMsg?.membership?.endpoint;
      return address ? [{ mspId, address }] : [];
    }),
  );
}
