/** `@hyperledger/fabric-gateway` as it comes from npm, at a peer of a test network. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { connect, type Gateway, hash, type Signer, signers } from '@hyperledger/fabric-gateway';
import { peerFolder, userFolder } from '../../src/node/dev/dev-material.ts';
import type { DevNetwork } from '../../src/node/dev/dev-network.ts';
import type { DevPeerPlan } from '../../src/node/dev/dev-plan.ts';

export interface GatewayClient extends Disposable {
  readonly gateway: Gateway;
  readonly identity: { readonly mspId: string; readonly credentials: Uint8Array };
  readonly sign: Signer;
  /** A gateway of the same client that has no private key: what is to be signed is signed elsewhere. */
  offline(): Gateway;
}

export interface GatewayClientOptions {
  /** Of the peer that is dialled; the first one unless told. */
  readonly org?: number;
  /** Of the user; that of the peer unless told. */
  readonly userOrg?: number;
  /** Shows the TLS certificate of the user. */
  readonly clientCertificate?: boolean;
}

export function gatewayClient({ plan, folders }: Pick<DevNetwork, 'plan' | 'folders'>, options: GatewayClientOptions = {}): GatewayClient {
  const peer = at(plan.peers, options.org ?? 0);
  const owner = at(plan.peers, options.userOrg ?? options.org ?? 0);
  const msp = join(userFolder(folders, owner, 'User1'), 'msp');
  const tls = join(peerFolder(folders, peer), 'tls');
  const own = join(userFolder(folders, owner, 'User1'), 'tls');
  const shown = options.clientCertificate === true;
  const ssl = () =>
    credentials.createSsl(read(tls, 'ca.crt'), shown ? read(own, 'client.key') : null, shown ? read(own, 'client.crt') : null);
  const channel = plan.tls ? ssl() : credentials.createInsecure();
  const client = new Client(`localhost:${peer.port}`, channel, { 'grpc.ssl_target_name_override': peer.host });
  const identity = { mspId: owner.mspId, credentials: read(msp, 'signcerts', `User1@${owner.domain}-cert.pem`) };
  const sign = signers.newPrivateKeySigner(createPrivateKey(read(msp, 'keystore', 'priv_sk')));
  const tlsClientCertificateHash = shown ? hash.sha256(new X509Certificate(read(own, 'client.crt')).raw) : undefined;
  const binding = tlsClientCertificateHash === undefined ? {} : { tlsClientCertificateHash };
  const gateway = connect({ client, identity, signer: sign, hash: hash.sha256, ...binding });
  return {
    gateway,
    identity,
    sign,
    offline: () => connect({ client, identity, ...binding }),
    [Symbol.dispose]: () => {
      gateway.close();
      client.close();
    },
  };
}

const read = (...path: string[]): Buffer => readFileSync(join(...path));

function at(peers: readonly DevPeerPlan[], index: number): DevPeerPlan {
  const peer = peers[index];
  if (peer === undefined) throw new Error(`no organisation ${index}`);
  return peer;
}
