/** What clients need to find the network: connection profiles and an environment for the `peer` command. */
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

/** Writes `connection-org1.json` and `.yaml` for every organisation, and `env.sh`. */
export async function writeClientFiles(
  folders: DevFolders,
  plan: DevPlan,
): Promise<{ readonly profiles: readonly ClientFiles[]; readonly env: string }> {
  const profiles = await Promise.all(plan.peers.map((peer) => writeProfile(folders, plan, peer)));
  const env = join(folders.root, 'env.sh');
  await replaceDurably(env, envScript(folders, plan));
  return { profiles, env };
}

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
    organizations: Object.fromEntries(plan.peers.map(({ org, mspId, host }) => [org, { mspid: mspId, peers: [host] }])),
    orderers: { [plan.orderer.host]: orderer },
    peers: Object.fromEntries(peers),
  };
}

async function node({ tls }: DevPlan, { host, port }: { readonly host: string; readonly port: number }, caFile: string) {
  if (!tls) return { url: `grpc://localhost:${port}` };
  const grpcOptions = { 'ssl-target-name-override': host, hostnameOverride: host };
  return { url: `grpcs://localhost:${port}`, tlsCACerts: { pem: await readFile(caFile, 'utf8') }, grpcOptions };
}

/** `. env.sh [ORG]`: the variables of the test network, for organisation 1 or the one given. */
function envScript(folders: DevFolders, plan: DevPlan): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const cases = plan.peers.map((peer, at) => {
    const lines = [
      `export CORE_PEER_LOCALMSPID=${peer.mspId}`,
      `export CORE_PEER_ADDRESS=localhost:${peer.port}`,
      `export CORE_PEER_MSPCONFIGPATH=${quoted(join(userFolder(folders, peer, 'Admin'), 'msp'))}`,
      `export CORE_PEER_FILESYSTEMPATH=${quoted(join(folders.root, 'peers', peer.org.toLowerCase()))}`,
      `export CORE_PEER_TLS_ROOTCERT_FILE=${quoted(join(peerFolder(folders, peer), 'tls', 'ca.crt'))}`,
    ];
    return `  ${at + 1})\n${lines.map((line) => `    ${line}\n`).join('')}    ;;`;
  });
  const ordererCa = join(ordererFolder(folders, plan.orderer), 'tls', 'ca.crt');
  return `# Use it with:  . env.sh [ORG]     then for example:
#   selvage chaincode query -C ${plan.channel} -n NAME -c '{"Args":["FUNCTION"]}'
#   selvage chaincode logs -f NAME
#   selvage chaincode invoke $ORDERER_FLAGS -C ${plan.channel} -n NAME -c '{"Args":["FUNCTION"]}' --waitForEvent
#   ${plan.lifecycle === 2 ? 'selvage lifecycle chaincode querycommitted' : 'selvage chaincode list --instantiated'} -C ${plan.channel}
case "\${1:-1}" in
${cases.join('\n')}
  *) echo "there is no organisation $1 in this network" >&2 ;;
esac
export CORE_PEER_TLS_ENABLED=${plan.tls}
export ORDERER_ADDRESS=localhost:${plan.orderer.port}
export ORDERER_CA=${quoted(ordererCa)}
export ORDERER_FLAGS="-o localhost:${plan.orderer.port}${plan.tls ? ` --tls --cafile ${ordererCa}` : ''}"
`;
}
