import type { Signer } from '../../msp/identity.ts';
import { gossip } from '../../protos/messages.ts';
import { signedEnvelope } from './envelope.ts';
import { pkiIdOf } from './ids.ts';

/**
 * The first message of a stream: `Envelope` bytes that bind the signer to the TLS certificate it shows.
 * @param tlsCertHash SHA-256 of the certificate's DER; empty without TLS
 * @see createConnectionMsg in hyperledger/fabric v2.5, gossip/comm/comm_impl.go
 */
export const handshakeEnvelope = (
  signer: Signer,
  { tlsCertHash, probe }: { readonly tlsCertHash: Uint8Array; readonly probe: boolean },
): Promise<Uint8Array> =>
  signedEnvelope(
    {
      tag: gossip.GossipMessage_Tag.EMPTY,
      conn: { pkiId: pkiIdOf(signer.serialized), identity: signer.serialized, tlsCertHash, probe },
    },
    signer,
  );
