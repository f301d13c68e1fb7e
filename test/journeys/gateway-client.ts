/** `@hyperledger/fabric-gateway` as it comes from npm, at a peer of a test network. */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { connect, type Gateway, hash, type Signer, signers } from '@hyperledger/fabric-gateway';
import { peerFolder, userFolder } from '../../src/node/dev/dev-material.ts';
import type { DevPeerPlan } from '../../src/node/dev/dev-plan.ts';
import type { TestNetwork } from './network.ts';

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
  /** Shows a client certificate of the peer's organisation. */
  readonly clientCertificate?: boolean;
}

export function gatewayClient({ network }: TestNetwork, options: GatewayClientOptions = {}): GatewayClient {
  const { plan, folders } = network;
  const peer = at(plan.peers, options.org ?? 0);
  const owner = at(plan.peers, options.userOrg ?? options.org ?? 0);
  const msp = join(userFolder(folders, owner, 'User1'), 'msp');
  const tls = join(peerFolder(folders, peer), 'tls');
  const pair = options.clientCertificate === true ? [read(tls, 'server.key'), read(tls, 'server.crt')] : [undefined, undefined];
  const channel = plan.tls ? credentials.createSsl(read(tls, 'ca.crt'), pair[0], pair[1]) : credentials.createInsecure();
  const client = new Client(`localhost:${peer.port}`, channel, { 'grpc.ssl_target_name_override': peer.host });
  const identity = { mspId: owner.mspId, credentials: read(msp, 'signcerts', `User1@${owner.domain}-cert.pem`) };
  const sign = signers.newPrivateKeySigner(createPrivateKey(read(msp, 'keystore', 'priv_sk')));
  const gateway = connect({ client, identity, signer: sign, hash: hash.sha256 });
  return {
    gateway,
    identity,
    sign,
    offline: () => connect({ client, identity }),
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
