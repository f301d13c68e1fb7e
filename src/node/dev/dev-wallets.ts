/** Identities for applications that keep theirs in a wallet. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, replaceDurably } from '../../common/durable-files.ts';
import { type DevFolders, userFolder } from './dev-material.ts';
import type { DevPeerPlan, DevPlan } from './dev-plan.ts';
import type { DevUser } from './dev-users.ts';

/** Who there is in every organisation. */
const EVERYWHERE = ['Admin', 'User1'];

/** Applications look for their administrator, whom they would enrol, under this name. */
const labelOf = (name: string): string => (name === 'Admin' ? 'admin' : name);

/**
 * Writes `wallets/org1/NAME.id` for everybody, as the file system wallets of fabric-network for Node and of fabric-gateway-java 2.2 have
 * it: an application that finds its user in its wallet enrols nobody.
 *
 * @see X509Provider in hyperledger/fabric-sdk-node v2.2, fabric-network/src/impl/wallet/x509identity.ts
 */
export async function writeWallets(folders: DevFolders, plan: DevPlan, users: readonly DevUser[]): Promise<void> {
  for (const peer of plan.peers) {
    const folder = walletFolder(folders, peer);
    await makeFolder(folder);
    const more = users.filter((user) => user.peer.mspId === peer.mspId).map(({ name }) => name);
    const names = [...new Set([...EVERYWHERE, ...more])];
    await Promise.all(names.map(async (name) => replaceDurably(join(folder, `${labelOf(name)}.id`), await identity(folders, peer, name))));
  }
}

/** The wallet of an organisation. */
export const walletFolder = ({ root }: Pick<DevFolders, 'root'>, { org }: Pick<DevPeerPlan, 'org'>): string =>
  join(root, 'wallets', org.toLowerCase());

async function identity(folders: DevFolders, peer: DevPeerPlan, name: string): Promise<string> {
  const msp = join(userFolder(folders, peer, name), 'msp');
  const [certificate, privateKey] = await Promise.all([
    readFile(join(msp, 'signcerts', `${name}@${peer.domain}-cert.pem`), 'utf8'),
    readFile(join(msp, 'keystore', 'priv_sk'), 'utf8'),
  ]);
  return JSON.stringify({ credentials: { certificate, privateKey }, mspId: peer.mspId, type: 'X.509', version: 1 });
}
