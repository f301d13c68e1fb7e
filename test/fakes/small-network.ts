/** Organisations with real certificates and a channel of theirs, in memory and in files, for tests of who is trusted where. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleFromBlock } from '../../src/msp/channelconfig/bundle.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import { LIFECYCLE_V2 } from '../../src/msp/channelconfig/channel-spec.ts';
import { buildGenesisBlock } from '../../src/msp/channelconfig/genesis-block.ts';
import { SignatureVerifier } from '../../src/msp/identities/signature-verifier.ts';
import { writeOrganization } from '../../src/msp/material/material-folder.ts';
import { createOrganization, mspDefinition, type Organization } from '../../src/msp/material/organization.ts';
import type { common } from '../../src/protos/messages.ts';

export const organization = (kind: 'peer' | 'orderer', name: string): Promise<Organization> =>
  createOrganization(
    { kind, mspId: `${name}MSP`, domain: `${name.toLowerCase()}.example.com`, nodes: [kind === 'peer' ? 'peer0' : 'orderer'], users: [] },
    new Date(),
  );

export interface NetworkSpec {
  readonly peers: readonly Organization[];
  /** Orderer organisations, each with its endpoints. */
  readonly orderers: readonly (readonly [Organization, readonly string[]])[];
  /** By MSP id. */
  readonly anchors?: Readonly<Record<string, readonly { readonly host: string; readonly port: number }[]>>;
}

export const genesisOf = ({ peers, orderers, anchors = {} }: NetworkSpec): common.Block =>
  buildGenesisBlock(
    {
      channelId: 'small',
      applicationOrgs: peers.map((org) => ({ msp: mspDefinition(org), anchorPeers: anchors[org.mspId] ?? [] })),
      ordererOrgs: orderers.map(([org, endpoints]) => ({ msp: mspDefinition(org), endpoints })),
      capabilities: LIFECYCLE_V2,
    },
    { now: new Date(), nonce: new Uint8Array(24) },
  );

const verifier = new SignatureVerifier();
export const bundleOf = (genesis: common.Block): ChannelBundle => bundleFromBlock(genesis, { verifier });

/** The files of a node. */
export interface NodeFiles {
  readonly msp: string;
  readonly keyFile: string;
  readonly certFile: string;
  readonly rootFile: string;
  /** PEM. */
  readonly tls: { readonly key: string; readonly cert: string };
}

/** Writes the organisation below `root`; the files of its one node. */
export async function writtenNode(root: string, org: Organization): Promise<NodeFiles> {
  const written = await writeOrganization(root, org);
  const node = join(written, org.kind === 'peer' ? 'peers' : 'orderers', org.nodes[0]?.name ?? '');
  const [keyFile, certFile, rootFile] = ['server.key', 'server.crt', 'ca.crt'].map((name) => join(node, 'tls', name));
  const tls = { key: await readFile(keyFile ?? '', 'utf8'), cert: await readFile(certFile ?? '', 'utf8') };
  return { msp: join(node, 'msp'), keyFile: keyFile ?? '', certFile: certFile ?? '', rootFile: rootFile ?? '', tls };
}
