import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { joinOrderer, type ParticipationTarget } from '../../client/participation-client.ts';
import { joinChannel, joinedChannels } from '../../client/system-calls.ts';
import type { Cancellable } from '../../common/cancel.ts';
import { systemClock } from '../../common/clock.ts';
import { replaceDurably } from '../../common/durable-files.ts';
import { SelvageError } from '../../common/errors.ts';
import { genesisLike } from '../../msp/channelconfig/genesis-block.ts';
import { common } from '../../protos/messages.ts';
import { readPem } from '../files.ts';
import { connectClients } from './dev-clients.ts';
import { type DevFolders, devFolders, genesisFile, ordererFolder } from './dev-material.ts';
import { type DevPlan, keptNetwork } from './dev-plan.ts';

/** A channel that a running development network has now. */
export interface CreatedChannel {
  readonly file: string;
  /** Peers that joined now. */
  readonly joined: number;
}

/**
 * Makes a channel with the organisations that the network began with, has the orderer serve it and all peers join it. Called again after
 * it was interrupted, it goes on.
 *
 * @param folder of the network
 * @throws {SelvageError} `SETTING_INVALID` when no network is there, `CONFIG_INVALID` for a name that no channel can have,
 *   `CHANNEL_EXISTS`, `PEER_UNREACHABLE` when the network does not run
 */
export async function createDevChannel(folder: string, channel: string, options: Cancellable): Promise<CreatedChannel> {
  const plan = keptNetwork(folder);
  const folders = devFolders(folder, plan);
  const file = genesisFile(folders, channel);
  const begun = existsSync(file);
  if (!begun) {
    const first = common.Block.decode(await readFile(folders.genesisBlock));
    const made = genesisLike(first, channel, { now: systemClock.now(), nonce: randomBytes(24) });
    await replaceDurably(file, common.Block.encode(made));
  }
  const genesis = await readFile(file);
  const served = await serve(await adminOf(folders, plan), genesis, options);
  using clients = await connectClients(folders, plan);
  let joined = 0;
  for (const admin of clients.admins) {
    if ((await joinedChannels(admin, options)).includes(channel)) continue;
    await joinChannel(admin, genesis, options);
    joined += 1;
  }
  if (!served && joined === 0)
    throw new SelvageError('CHANNEL_EXISTS', `the network has a channel ${channel} already, and all peers joined it`);
  return { file, joined };
}

/** @returns whether it was not served before */
async function serve(target: ParticipationTarget, genesis: Uint8Array, options: Cancellable): Promise<boolean> {
  try {
    await joinOrderer(target, genesis, options);
    return true;
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'CHANNEL_EXISTS') return false;
    throw thrown;
  }
}

/** Who administers the orderer is known by the orderer's own certificate, as in the test network. */
async function adminOf(folders: DevFolders, { orderer, tls }: DevPlan): Promise<ParticipationTarget> {
  const address = `localhost:${orderer.adminPort}`;
  if (!tls) return { address, tls: undefined };
  const file = (name: string) => readPem(join(ordererFolder(folders, orderer), 'tls', name));
  const [roots, key, cert] = await Promise.all(['ca.crt', 'server.key', 'server.crt'].map(file));
  return { address, tls: { roots: roots ?? '', key, cert, hostnameOverride: orderer.host } };
}
