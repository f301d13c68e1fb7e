import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OrdererClient } from '../../client/orderer-client.ts';
import { PeerClient } from '../../client/peer-client.ts';
import { type Caller, joinChannel, joinedChannels } from '../../client/system-calls.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { readPem } from '../files.ts';
import { loadSigner } from '../membership.ts';
import { type DevFolders, ordererFolder, peerFolder, userFolder } from './dev-material.ts';
import type { DevPlan, Lifecycle } from './dev-plan.ts';

/** Somebody of one organisation with a connection to that organisation's peer. */
export interface DevClient extends Caller {
  readonly mspId: string;
}

/** Clients of a development network: what a user with its connection profile could do, nothing more. */
export interface DevClients extends Disposable {
  readonly channel: string;
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
    plan.peers.map(async (peer) =>
      keep(
        new PeerClient({
          address: `localhost:${peer.port}`,
          tls: await tlsOf(join(peerFolder(folders, peer), 'tls', 'ca.crt'), peer.host),
        }),
      ),
    ),
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
    lifecycle: plan.lifecycle,
    admins: await Promise.all(plan.peers.map((_, at) => client(at, 'Admin'))),
    user: await client(0, 'User1'),
    orderer: keep(new OrdererClient({ address: `localhost:${orderer.port}`, tls: ordererTls })),
    [Symbol.dispose]: () => {
      for (const each of open) each[Symbol.dispose]();
    },
  };
}

/** Makes every peer join the channel that has not yet. Resolves with the number that had to. */
export async function joinAll(clients: DevClients, folders: DevFolders, options: Cancellable): Promise<number> {
  const genesis = await readFile(folders.genesisBlock);
  const joined = await Promise.all(
    clients.admins.map(async (admin) => {
      if ((await joinedChannels(admin, options)).includes(clients.channel)) return 0;
      await joinChannel(admin, genesis, options);
      return 1;
    }),
  );
  return joined.reduce<number>((sum, each) => sum + each, 0);
}
