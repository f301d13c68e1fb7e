import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OrdererClient } from '../../client/orderer-client.ts';
import { PeerClient } from '../../client/peer-client.ts';
import { type Caller, joinChannel, joinedChannels } from '../../client/system-calls.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { readPem } from '../files.ts';
import { loadSigner } from '../membership.ts';
import { type DevFolders, genesisFile, ordererFolder, peerFolder, userFolder } from './dev-material.ts';
import { channelsOf, type DevPeerPlan, type DevPlan, type Lifecycle } from './dev-plan.ts';

/** Somebody of one organisation with a connection to that organisation's peer. */
export interface DevClient extends Caller {
  readonly mspId: string;
}

/** Clients of a development network: what a user with its connection profile could do, nothing more. */
export interface DevClients extends Disposable {
  /** The first channel, where chaincode is deployed. */
  readonly channel: string;
  /** All channels that the network was made with. */
  readonly channels: readonly string[];
  /** The chaincode lifecycle of the channel. */
  readonly lifecycle: Lifecycle;
  /** One Admin per organisation. */
  readonly admins: readonly DevClient[];
  /** A plain member of the first organisation. */
  readonly user: DevClient;
  readonly orderer: OrdererClient;
}

export async function connectClients(folders: DevFolders, plan: DevPlan): Promise<DevClients> {
  const open: Disposable[] = [];
  const keep = <T extends Disposable>(connection: T): T => {
    open.push(connection);
    return connection;
  };
  const tlsOf = async (caFile: string, name: string) => (plan.tls ? { roots: await readPem(caFile), hostnameOverride: name } : undefined);
  const peers = await Promise.all(
    plan.peers.map(async (peer) => {
      const tls = await tlsOf(join(peerFolder(folders, peer), 'tls', 'ca.crt'), peer.host);
      const shown = plan.mutualTls === true ? await clientCertificate(folders, peer) : {};
      return keep(new PeerClient({ address: `localhost:${peer.port}`, tls: tls && { ...tls, ...shown } }));
    }),
  );
  const { orderer } = plan;
  const ordererTls = await tlsOf(join(ordererFolder(folders, orderer), 'tls', 'ca.crt'), orderer.host);
  const client = async (at: number, user: string): Promise<DevClient> => {
    const peer = plan.peers[at];
    const connection = peers[at];
    if (peer === undefined || connection === undefined)
      throw new SelvageError('INTERNAL', 'a development network has at least one organisation');
    return { peer: connection, mspId: peer.mspId, signer: await loadSigner(join(userFolder(folders, peer, user), 'msp'), peer.mspId) };
  };
  return {
    channel: plan.channel,
    channels: channelsOf(plan),
    lifecycle: plan.lifecycle,
    admins: await Promise.all(plan.peers.map((_, at) => client(at, 'Admin'))),
    user: await client(0, 'User1'),
    orderer: keep(new OrdererClient({ address: `localhost:${orderer.port}`, tls: ordererTls })),
    [Symbol.dispose]: () => {
      for (const each of open) each[Symbol.dispose]();
    },
  };
}

/** What a peer is shown that asks who calls. */
async function clientCertificate(folders: DevFolders, peer: DevPeerPlan): Promise<{ readonly key: string; readonly cert: string }> {
  const file = (name: string): string => join(userFolder(folders, peer, 'Admin'), 'tls', name);
  const [key, cert] = await Promise.all([readPem(file('client.key')), readPem(file('client.crt'))]);
  return { key, cert };
}

/** Makes every peer join the channels that it has not yet. Resolves with the number that had to, of each channel. */
export async function joinAll(clients: DevClients, folders: DevFolders, options: Cancellable): Promise<ReadonlyMap<string, number>> {
  const joined = new Map(clients.channels.map((channel) => [channel, 0]));
  const blocks = await Promise.all(
    clients.channels.map(async (channel) => ({ channel, genesis: await readFile(genesisFile(folders, channel)) })),
  );
  const joins = clients.admins.map(async (admin) => {
    const has = await joinedChannels(admin, options);
    for (const { channel, genesis } of blocks) {
      if (has.includes(channel)) continue;
      await joinChannel(admin, genesis, options);
      joined.set(channel, (joined.get(channel) ?? 0) + 1);
    }
  });
  await Promise.all(joins);
  return joined;
}
