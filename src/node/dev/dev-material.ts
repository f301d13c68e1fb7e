import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { utf8 } from '../../common/bytes.ts';
import { makeFolder, replaceDurably, syncFolder } from '../../common/durable-files.ts';
import { SelvageError } from '../../common/errors.ts';
import { DEV_BATCH, LEGACY_LIFECYCLE, LIFECYCLE_V2 } from '../../msp/channelconfig/channel-spec.ts';
import { channelIdOfBlock } from '../../msp/channelconfig/config-block.ts';
import { buildGenesisBlock } from '../../msp/channelconfig/genesis-block.ts';
import { writeOrganization } from '../../msp/material/material-folder.ts';
import { createOrganization, mspDefinition, type Organization } from '../../msp/material/organization.ts';
import { common } from '../../protos/messages.ts';
import { channelsOf, type DevPlan } from './dev-plan.ts';

/** Where everything of a development network lies, in the layout of fabric-samples' test network. */
export interface DevFolders {
  readonly root: string;
  readonly organizations: string;
  /** Block 0 of the first channel; those of the others lie beside it. */
  readonly genesisBlock: string;
  readonly log: string;
}

export const devFolders = (root: string, { channel }: Pick<DevPlan, 'channel'>): DevFolders => ({
  root,
  organizations: join(root, 'organizations'),
  genesisBlock: join(root, 'channel-artifacts', `${channel}.block`),
  log: join(root, 'selvage.log'),
});

/** Block 0 of a channel. */
export const genesisFile = ({ genesisBlock }: Pick<DevFolders, 'genesisBlock'>, channel: string): string =>
  join(dirname(genesisBlock), `${channel}.block`);

/** A member's folder with `msp` and `tls`. */
export const peerFolder = ({ organizations }: DevFolders, { domain, host }: { readonly domain: string; readonly host: string }): string =>
  join(organizations, 'peerOrganizations', domain, 'peers', host);
export const ordererFolder = ({ organizations }: DevFolders, { domain, host }: DevPlan['orderer']): string =>
  join(organizations, 'ordererOrganizations', domain, 'orderers', host);
export const userFolder = ({ organizations }: DevFolders, { domain }: { readonly domain: string }, user: string): string =>
  join(organizations, 'peerOrganizations', domain, 'users', `${user}@${domain}`);

/** What the names of folders begin with whose material is not complete. */
const UNFINISHED = '.making-';

/**
 * Makes the crypto material and the genesis block, unless they are kept from an earlier run. All of it is made aside; the genesis
 * block is put in place first and the organisations, in one step, last: there is material only when there is all of it.
 * @throws {SelvageError} `SETTING_INVALID` for a folder with organisations of somebody else's
 */
export async function makeMaterial(folders: DevFolders, plan: DevPlan, now: Date): Promise<readonly common.Block[]> {
  if (existsSync(folders.organizations)) return keptGenesis(folders, plan);
  await removeDrafts(folders.root);
  const { orderer, peers } = plan;
  const ordererOrg = createOrganization(
    { kind: 'orderer', mspId: orderer.mspId, domain: orderer.domain, nodes: ['orderer'], users: [] },
    now,
  );
  const peerOrgs = peers.map(({ mspId, domain }) =>
    createOrganization({ kind: 'peer', mspId, domain, nodes: ['peer0'], users: ['User1'] }, now),
  );
  const [madeOrderer, ...madePeers] = await Promise.all([ordererOrg, ...peerOrgs]);
  const genesis = channelsOf(plan).map((channel) => genesisOf({ ...plan, channel }, madeOrderer, madePeers, now));
  const draft = join(folders.root, `${UNFINISHED}${randomUUID()}`);
  for (const organization of [madeOrderer, ...madePeers]) await writeOrganization(draft, organization);
  await syncFolder(draft);
  await makeFolder(dirname(folders.genesisBlock));
  for (const block of genesis) await replaceDurably(genesisFile(folders, channelIdOfBlock(block)), common.Block.encode(block));
  await rename(draft, folders.organizations);
  await syncFolder(folders.root);
  return genesis;
}

async function keptGenesis({ root, organizations, genesisBlock }: DevFolders, plan: DevPlan): Promise<readonly common.Block[]> {
  const files = channelsOf(plan).map((channel) => genesisFile({ genesisBlock }, channel));
  const missing = files.find((file) => !existsSync(file));
  if (missing === undefined) return Promise.all(files.map(async (file) => common.Block.decode(await readFile(file))));
  throw new SelvageError('SETTING_INVALID', `${organizations} belongs to no network of ${root}: there is no ${missing}`, {
    advice: 'Choose another folder, or remove this one.',
  });
}

/** What a run left that was ended while it made material. */
async function removeDrafts(root: string): Promise<void> {
  for (const name of await readdir(root)) if (name.startsWith(UNFINISHED)) await rm(join(root, name), { recursive: true, force: true });
}

/** It says Raft with one node, which peers of 3.x ask for; who orders is one process either way. */
function genesisOf(plan: DevPlan, orderer: Organization, peers: readonly Organization[], now: Date): common.Block {
  const spec = {
    channelId: plan.channel,
    applicationOrgs: peers.map((organization, at) => ({
      msp: mspDefinition(organization),
      anchorPeers: [{ host: 'localhost', port: plan.peers[at]?.port ?? 0 }],
    })),
    ordererOrgs: [{ msp: mspDefinition(orderer), endpoints: [`localhost:${plan.orderer.port}`] }],
    consenters: [{ host: 'localhost', port: plan.orderer.port, tlsCertificate: utf8(orderer.nodes[0]?.tls.certificate ?? '') }],
    capabilities: plan.lifecycle === 2 ? LIFECYCLE_V2 : LEGACY_LIFECYCLE,
    batch: plan.block === 'fabric' ? { ...DEV_BATCH, timeout: '2s' } : DEV_BATCH,
  };
  return buildGenesisBlock(spec, { now, nonce: randomBytes(24) });
}
