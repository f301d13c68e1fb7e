import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { applicationCapabilities, Capabilities } from '../../src/msp/channelconfig/capabilities.ts';
import type { ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import { channelIdOfBlock, configEnvelopeOfBlock } from '../../src/msp/channelconfig/config-block.ts';
import { checkConfigEnvelope } from '../../src/msp/channelconfig/config-update.ts';
import { SignatureVerifier } from '../../src/msp/identities/signature-verifier.ts';
import { MspManager, mspFromConfig } from '../../src/msp/msp-manager.ts';
import { mspVersionOf } from '../../src/msp/msp-version.ts';
import { applicationPolicy } from '../../src/msp/policies/application-policy.ts';
import { PolicyTree } from '../../src/msp/policies/policy-tree.ts';
import { signaturePolicy } from '../../src/msp/policies/signature-policy.ts';
import { common, msp } from '../../src/protos/messages.ts';
import { fixtures, readFixture } from '../fixtures.ts';

export type Network = 'v1.1' | 'v2.4';

/** The recorded blocks of one node, flags included where the peer had them. */
export function recordedBlocks(network: Network, node: 'peer' | 'orderer'): readonly common.Block[] {
  const blocks: common.Block[] = [];
  for (let number = 0; ; number += 1) {
    const file = `${network}/blocks/${node}/${number}.pb`;
    if (fixtures === undefined || !existsSync(join(fixtures, file))) return blocks;
    blocks.push(common.Block.decode(readFixture(file)));
  }
}

const verifier = new SignatureVerifier();
const level = (group: common.ConfigGroup): string[] => {
  const value = group.values.get('Capabilities')?.value;
  return value === undefined ? [] : [...common.Capabilities.decode(value).capabilities.keys()];
};

export function bundleOf(channelId: string, config: common.Config): ChannelBundle {
  const group = config.channelGroup;
  if (group === undefined) throw new Error('no group');
  const channelLevel = new Capabilities('Channel', level(group)).level;
  const application = group.groups.get('Application');
  if (application === undefined) throw new Error('no application');
  const orgsOf = (of: common.ConfigGroup | undefined) =>
    [...(of?.groups ?? [])].map(([name, org]) => {
      const built = mspFromConfig({
        config: msp.MSPConfig.decode(org.values.get('MSP')?.value ?? new Uint8Array()),
        version: mspVersionOf(channelLevel),
        verifier,
      });
      return { name, built, mspId: built.mspId, anchorPeers: [] };
    });
  const orgs = orgsOf(application);
  const msps = new MspManager([...orgs, ...orgsOf(group.groups.get('Orderer'))].map(({ built }) => built));
  const policies = new PolicyTree({ group, deserializer: msps });
  return {
    channelId,
    config,
    sequence: config.sequence,
    msps,
    policies,
    channelCapabilityLevel: channelLevel,
    application: { capabilities: applicationCapabilities(new Capabilities('Application', level(application))), orgs, acls: new Map() },
    orderer: undefined,
    ordererAddresses: [],
    signaturePolicy: (bytes) => signaturePolicy(bytes, msps),
    applicationPolicy: (bytes) => applicationPolicy(bytes, { deserializer: msps, policies }),
  };
}

export const bundleFromBlock = (block: common.Block): ChannelBundle =>
  bundleOf(channelIdOfBlock(block), configEnvelopeOfBlock(block).config);

export const applyConfig = async (bundle: ChannelBundle, envelope: common.ConfigEnvelope): Promise<ChannelBundle> =>
  bundleOf(bundle.channelId, await checkConfigEnvelope(bundle, envelope));
