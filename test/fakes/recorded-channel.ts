import { BlockFeed } from '../../src/channel/block-feed.ts';
/** The channels of the recorded networks, with their real certificates and policies, for tests that judge recorded proposals. */
import type { Channel, Channels } from '../../src/channel/channel.ts';
import type { ApplicationCapabilities, ChannelBundle } from '../../src/msp/channelconfig/channel-bundle.ts';
import { channelIdOfBlock, configEnvelopeOfBlock } from '../../src/msp/channelconfig/config-block.ts';
import { SignatureVerifier } from '../../src/msp/identities/signature-verifier.ts';
import { MspManager, mspFromConfig } from '../../src/msp/msp-manager.ts';
import { PolicyTree } from '../../src/msp/policies/policy-tree.ts';
import { signaturePolicy } from '../../src/msp/policies/signature-policy.ts';
import { common, msp } from '../../src/protos/messages.ts';
import { readFixture } from '../fixtures.ts';
import { MemoryLedger } from './memory-ledger.ts';

export type Network = 'v1.1' | 'v2.4';

export const CHANNEL: Readonly<Record<Network, string>> = { 'v1.1': 'mychannel', 'v2.4': 'lifechan' };

const CAPABILITIES: Readonly<Record<Network, ApplicationCapabilities>> = {
  'v1.1': capabilities('V1_1', { v11Validation: true }),
  'v2.4': capabilities('V2_0', {
    v11Validation: true,
    v12Validation: true,
    v13Validation: true,
    v20Validation: true,
    privateChannelData: true,
    lifecycleV20: true,
  }),
};

function capabilities(level: string, on: Partial<ApplicationCapabilities>): ApplicationCapabilities {
  const off = { v11Validation: false, v12Validation: false, v13Validation: false, v20Validation: false, privateChannelData: false };
  const more = {
    collectionUpgrade: false,
    keyLevelEndorsement: false,
    acls: false,
    storePvtDataOfInvalidTx: false,
    lifecycleV20: false,
    purgePvtData: false,
  };
  return { level, ...off, ...more, ...on };
}

/** The bundle of a recorded channel's genesis block, or of another one. Capabilities can be changed for a test. */
export function recordedBundle(
  network: Network,
  changed: Partial<ApplicationCapabilities> = {},
  file = 'config/channel.block',
): ChannelBundle {
  const block = common.Block.decode(readFixture(`${network}/${file}`));
  const { config } = configEnvelopeOfBlock(block);
  const application = config.channelGroup.groups.get('Application');
  const orgs = [...(application?.groups ?? [])].map(([name, group]) => ({
    name,
    mspId: mspConfigIn(group).name,
    anchorPeers: [],
    tlsRoots: [],
  }));
  const msps = new MspManager([...mspGroups(config.channelGroup)].map((group) => mspOf(group, network)));
  const policies = new PolicyTree({ group: config.channelGroup, deserializer: msps, dialect: network === 'v1.1' ? '1.1' : '2.x' });
  return {
    channelId: channelIdOfBlock(block),
    config,
    sequence: config.sequence,
    msps,
    policies,
    channelCapabilityLevel: '',
    application: { capabilities: { ...CAPABILITIES[network], ...changed }, orgs, acls: new Map() },
    orderer: undefined,
    ordererEndpoints: [],
    signaturePolicy: (envelope) => signaturePolicy(envelope, msps),
    applicationPolicy: () => {
      throw new Error('applicationPolicy is not part of this fake');
    },
    asSignaturePolicy: () => {
      throw new Error('asSignaturePolicy is not part of this fake');
    },
  };
}

/** The MSP of one organisation, as the recorded channel defines it. */
export function recordedLocalMsp(network: Network, mspId = 'Org1MSP') {
  const { config } = configEnvelopeOfBlock(common.Block.decode(readFixture(`${network}/config/channel.block`)));
  const group = [...mspGroups(config.channelGroup)].find((candidate) => mspConfigIn(candidate).name === mspId);
  if (group === undefined) throw new Error(`no ${mspId} in ${network}`);
  return mspOf(group, network);
}

function* mspGroups(root: common.ConfigGroup): Generator<common.ConfigGroup> {
  for (const name of ['Application', 'Orderer']) yield* root.groups.get(name)?.groups.values() ?? [];
}

const mspValue = (group: common.ConfigGroup): msp.MSPConfig => msp.MSPConfig.decode(group.values.get('MSP')?.value ?? new Uint8Array());
const mspConfigIn = (group: common.ConfigGroup): msp.FabricMSPConfig => msp.FabricMSPConfig.decode(mspValue(group).config);
const mspOf = (group: common.ConfigGroup, network: Network) =>
  mspFromConfig({ config: mspValue(group), version: network === 'v1.1' ? '1.0' : '1.4.3', verifier: new SignatureVerifier() });

export interface MemoryChannel extends Channel {
  readonly ledger: MemoryLedger;
}

export function memoryChannel(bundle: ChannelBundle): MemoryChannel {
  const ledger = new MemoryLedger(bundle.channelId);
  const feed = new BlockFeed({ channelId: bundle.channelId, blocks: ledger.blocks });
  return { id: bundle.channelId, ledger, feed, bundle: () => bundle, halted: () => undefined, stalled: () => undefined };
}

export const channelsOf = (...channels: readonly Channel[]): Channels => ({
  get: (id) => channels.find((channel) => channel.id === id),
  list: () => channels,
});
