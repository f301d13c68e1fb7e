/** A channel with peers of real organisations that say of themselves what a test wants, for tests of discovery. */

import { utf8 } from '../../src/common/bytes.ts';
import { SelvageError } from '../../src/common/errors.ts';
import type { ChannelMember, PeerView } from '../../src/gossip/peers.ts';
import { pkiIdOf } from '../../src/gossip/wire/ids.ts';
import type { KnownChaincode } from '../../src/lifecycle/lifecycle-cache.ts';
import type { Organization } from '../../src/msp/material/organization.ts';
import { parsePolicyText } from '../../src/msp/policies/policy-text.ts';
import { type common, protos } from '../../src/protos/messages.ts';
import { channelOf, peerSigner, peersOf } from './gossip-peers.ts';
import { channelsOf, memoryChannel } from './recorded-channel.ts';

/** What a peer says of itself; the rest is made up. */
export interface Said {
  readonly endpoint?: string;
  readonly height?: bigint;
  /** `name` or `name:version`, version 1 where there is none. */
  readonly chaincodes?: readonly string[];
}

/** Peers by name, like `Org1.0`, in order. */
export class KnownPeers implements PeerView {
  readonly orgs: readonly string[];
  #members: readonly ChannelMember[] = [];

  constructor(orgs: readonly string[]) {
    this.orgs = orgs;
  }

  set(members: readonly ChannelMember[]): void {
    this.#members = members;
  }

  members = (): readonly ChannelMember[] => this.#members;
  membersOf = (): readonly ChannelMember[] => this.#members;
  organizations = (): readonly string[] => this.orgs;
  onChanged = (): Disposable => ({ [Symbol.dispose]: () => undefined });
}

export interface Defined {
  readonly sequence?: bigint;
  /** In the policy language, or the path of a policy of the channel. */
  readonly policy: string;
  readonly collections?: readonly protos.StaticCollectionConfigInit[];
}

/** `ApplicationPolicy` of a text or a path. */
export const applicationPolicyOf = (policy: string): protos.ApplicationPolicyInit =>
  policy.startsWith('/') ? { channelConfigPolicyReference: policy } : { signaturePolicy: parsePolicyText(policy) };

/** @param peers how many peers each organisation has, like `{ Org1: 2, Org2: 1 }` */
export async function discoverable(peers: Readonly<Record<string, number>>) {
  const orgs = await Promise.all(Object.entries(peers).map(([name, count]) => peersOf(name, count)));
  const channel = memoryChannel(await channelOf(orgs));
  const known = new KnownPeers(orgs.map(({ mspId }) => mspId));
  const definitions = new Map<string, Defined>();
  const names = new Map<ChannelMember, string>();
  const organizationOf = (name: string): Organization => {
    const found = orgs.find(({ mspId }) => mspId === `${name}MSP`);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  };
  const memberOf = (name: string, { endpoint = `${name}.example.com:7051`, height = 5n, chaincodes = [] }: Said): ChannelMember => {
    const [org = '', at = '0'] = name.split('.');
    const signer = peerSigner(organizationOf(org), Number(at));
    const member: ChannelMember = {
      pkiId: pkiIdOf(signer.serialized),
      mspId: signer.mspId,
      identity: signer.serialized,
      endpoint,
      internalEndpoint: undefined,
      alive: { payload: utf8(`alive ${name}`), signature: utf8('signed') },
      self: name === 'Org1.0',
      stateInfo: { payload: utf8(`state of ${name}`), signature: utf8('signed') },
      height,
      chaincodes: chaincodes.map((each) => ({ name: each.split(':')[0] ?? '', version: each.split(':')[1] ?? '1' })),
    };
    names.set(member, name);
    return member;
  };
  return {
    orgs,
    channel,
    channels: channelsOf(channel),
    peers: known,
    nameOf: (member: ChannelMember): string => names.get(member) ?? 'nobody',
    /** Who is there from now on. */
    say: (said: Readonly<Record<string, Said>>): void => known.set(Object.entries(said).map(([name, each]) => memberOf(name, each))),
    define: (name: string, definition: Defined): void => void definitions.set(name, definition),
    cache: { find: async (_: string, name: string) => knownChaincode(name, definitions.get(name)) },
  };
}

function knownChaincode(name: string, defined: Defined | undefined): KnownChaincode {
  if (defined === undefined) throw new SelvageError('CHAINCODE_NOT_FOUND', `unknown chaincode '${name}'`);
  const { sequence = 1n, policy, collections = [] } = defined;
  return {
    approved: true,
    installed: undefined,
    definition: {
      sequence,
      version: '1.0',
      initRequired: false,
      endorsementPlugin: 'escc',
      validationPlugin: 'vscc',
      validationParameter: protos.ApplicationPolicy.encode(applicationPolicyOf(policy)),
      collections: { config: collections.map((staticCollectionConfig) => ({ staticCollectionConfig })) },
    },
  };
}

/** A collection whose members are who satisfies one of the principals of a policy. */
export const collectionOf = (name: string, members: string, endorsement?: string): protos.StaticCollectionConfigInit => ({
  name,
  memberOrgsPolicy: { signaturePolicy: parsePolicyText(members) },
  ...(endorsement !== undefined && { endorsementPolicy: applicationPolicyOf(endorsement) }),
});

export const keyPolicy = (text: string): common.SignaturePolicyEnvelopeInit => parsePolicyText(text);
