/** Peers of organisations with real certificates, for tests of gossip in one process. */
import type { Timers } from '../../src/common/timers.ts';
import { IdentityAuthority } from '../../src/gossip/identities/identity-authority.ts';
import { IdentityStore } from '../../src/gossip/identities/identity-store.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import { LocalSigner } from '../../src/msp/identities/local-signer.ts';
import { SignatureVerifier } from '../../src/msp/identities/signature-verifier.ts';
import { createOrganization, type Member, mspDefinition, type Organization } from '../../src/msp/material/organization.ts';
import { Msp } from '../../src/msp/msp.ts';
import { msp } from '../../src/protos/messages.ts';
import { bundleOf, genesisOf, type NetworkSpec } from './small-network.ts';

const verifier = new SignatureVerifier();

/** An organisation with peers `peer0`, `peer1` … and a user. */
export const peersOf = (name: string, peers: number, now = new Date()): Promise<Organization> =>
  createOrganization(
    {
      kind: 'peer',
      mspId: `${name}MSP`,
      domain: `${name.toLowerCase()}.example.com`,
      nodes: Array.from({ length: peers }, (_, at) => `peer${at}`),
      users: ['User1'],
    },
    now,
  );

/** The organisation as its peers see it. */
export const localMspOf = (org: Organization): Msp =>
  new Msp({ config: msp.FabricMSPConfig.encode(mspDefinition(org)), version: '1.4.3', verifier });

export const signerOf = ({ mspId }: Organization, { identity }: Member): LocalSigner => LocalSigner.fromPem({ mspId, ...identity });

/** The signer of an organisation's n-th peer. */
export function peerSigner(org: Organization, at = 0): LocalSigner {
  const peer = org.nodes[at];
  if (peer === undefined) throw new Error(`${org.mspId} has no peer ${at}`);
  return signerOf(org, peer);
}

export const ordererOrganization = (): Promise<Organization> =>
  createOrganization({ kind: 'orderer', mspId: 'OrdererMSP', domain: 'example.com', nodes: ['orderer'], users: [] }, new Date());

/** A channel of organisations and an orderer organisation that none of them is. */
export async function channelOf(
  orgs: readonly Organization[],
  anchors: NetworkSpec['anchors'] = {},
  orderers = ordererOrganization(),
): Promise<ChannelBundle> {
  const orderer = await orderers;
  return bundleOf(genesisOf({ peers: orgs, orderers: [[orderer, ['orderer.example.com:7050']]], anchors }));
}

export interface IdentitiesSpec {
  /** Which of the organisation's peers it is. */
  readonly at?: number;
  /** May change later. */
  readonly channels: readonly ChannelBundle[];
  readonly timers: Timers;
  readonly mostOfOrganization?: number;
}

/** What a peer judges others by, and knows of them. */
export function identitiesOf(org: Organization, { at, channels, timers, ...most }: IdentitiesSpec) {
  const signer = peerSigner(org, at);
  const authority = new IdentityAuthority({ local: localMspOf(org), bundles: () => channels });
  const store = new IdentityStore({ authority, self: signer.serialized, timers, ...most });
  return { signer, authority, store };
}
