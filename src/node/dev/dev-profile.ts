/** What clients of SDKs need to find the network. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { makeFolder, replaceDurably } from '../../common/durable-files.ts';
import { type DevFolders, ordererFolder, peerFolder, userFolder } from './dev-material.ts';
import type { DevPeerPlan, DevPlan } from './dev-plan.ts';

/** Files written for one organisation. */
export interface ClientFiles {
  readonly org: string;
  readonly json: string;
  readonly yaml: string;
}

/** Writes `connection-org1.json` and `.yaml` for every organisation. */
export const writeProfiles = (folders: DevFolders, plan: DevPlan): Promise<readonly ClientFiles[]> =>
  Promise.all(plan.peers.map((peer) => writeProfile(folders, plan, peer)));

async function writeProfile(folders: DevFolders, plan: DevPlan, peer: DevPeerPlan): Promise<ClientFiles> {
  const profile = await connectionProfile(folders, plan, peer);
  const folder = join(folders.organizations, 'peerOrganizations', peer.domain);
  const name = join(folder, `connection-${peer.org.toLowerCase()}`);
  await makeFolder(folder);
  await replaceDurably(`${name}.json`, `${JSON.stringify(profile, null, 2)}\n`);
  await replaceDurably(`${name}.yaml`, stringify(profile));
  return { org: peer.org, json: `${name}.json`, yaml: `${name}.yaml` };
}

/** A common connection profile as the SDKs read it: complete, so that it also works with discovery off. */
async function connectionProfile(folders: DevFolders, plan: DevPlan, own: DevPeerPlan) {
  const orderer = await node(plan, plan.orderer, join(ordererFolder(folders, plan.orderer), 'tls', 'ca.crt'));
  const peers = await Promise.all(
    plan.peers.map(async (peer) => [peer.host, await node(plan, peer, join(peerFolder(folders, peer), 'tls', 'ca.crt'))]),
  );
  const roles = { endorsingPeer: true, chaincodeQuery: true, ledgerQuery: true, eventSource: true };
  return {
    name: `selvage-dev-${own.org.toLowerCase()}`,
    version: '1.0.0',
    client: { organization: own.org, connection: { timeout: { peer: { endorser: '300' } } } },
    channels: { [plan.channel]: { orderers: [plan.orderer.host], peers: Object.fromEntries(plan.peers.map(({ host }) => [host, roles])) } },
    organizations: Object.fromEntries(
      plan.peers.map((peer) => [
        peer.org,
        {
          mspid: peer.mspId,
          peers: [peer.host],
          ...(peer === own && { certificateAuthorities: [caHost(peer)], ...adminOf(folders, peer) }),
        },
      ]),
    ),
    orderers: { [plan.orderer.host]: orderer },
    peers: Object.fromEntries(peers),
    certificateAuthorities: { [caHost(own)]: await certificateAuthority(folders, plan, own) },
  };
}

const caHost = ({ domain }: DevPeerPlan): string => `ca.${domain}`;

/** Beside the ports of the test network; those of others lie a thousand apart. */
const FIRST_CA_PORT = 4;

/**
 * Where a Fabric CA on the organisation's keys would listen, in the words of the test network's own profiles: applications look it up
 * before they look into their wallets. None runs here.
 */
async function certificateAuthority({ organizations }: DevFolders, { orderer, peers }: DevPlan, own: DevPeerPlan) {
  const port = Math.min(orderer.port + FIRST_CA_PORT + 1000 * peers.indexOf(own), 65_535); // of free ports that were taken there is no order
  const file = join(organizations, 'peerOrganizations', own.domain, 'ca', `${caHost(own)}-cert.pem`);
  return {
    url: `https://localhost:${port}`,
    caName: `ca-${own.org.toLowerCase()}`,
    tlsCACerts: { pem: [await readFile(file, 'utf8')] },
    httpOptions: { verify: false },
  };
}

/** What the organisation's Admin signs with, for who administers by this profile. */
function adminOf(folders: DevFolders, peer: DevPeerPlan) {
  const msp = join(userFolder(folders, peer, 'Admin'), 'msp');
  return {
    adminPrivateKey: { path: join(msp, 'keystore', 'priv_sk') },
    signedCert: { path: join(msp, 'signcerts', `Admin@${peer.domain}-cert.pem`) },
  };
}

async function node({ tls }: DevPlan, { host, port }: { readonly host: string; readonly port: number }, caFile: string) {
  if (!tls) return { url: `grpc://localhost:${port}` };
  const grpcOptions = { 'ssl-target-name-override': host, hostnameOverride: host };
  return { url: `grpcs://localhost:${port}`, tlsCACerts: { pem: await readFile(caFile, 'utf8') }, grpcOptions };
}
