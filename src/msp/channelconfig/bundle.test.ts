import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { concatBytes } from '../../common/bytes.ts';
import { blockHeaderBytes } from '../../protos/hashes.ts';
import { common, orderer, protos } from '../../protos/messages.ts';
import { SignatureVerifier } from '../identities/signature-verifier.ts';
import type { SignedData } from '../policies/policy.ts';
import { bundleFromBlock, bundleFromConfig, validateConfigEnvelope } from './bundle.ts';
import type { ChannelBundle } from './channel-bundle.ts';
import { configEnvelopeOfBlock } from './config-block.ts';
import { equalGroups } from './config-tree.ts';
import { validateConfigUpdate } from './config-update.ts';

const parts = { verifier: new SignatureVerifier() };
const NETWORKS = ['v1.1', 'v2.4'] as const;
type Network = (typeof NETWORKS)[number];

const channelBlock = (network: Network) => common.Block.decode(readFixture(`${network}/config/channel.block`));
const ordererBlock = (network: Network, number: number) => common.Block.decode(readFixture(`${network}/blocks/orderer/${number}.pb`));
const genesisGroup = (network: Network) => configEnvelopeOfBlock(channelBlock(network)).config.channelGroup;

describe.skipIf(!fixtures)('a channel bundle', () => {
  it('holds what the recorded 1.1 channel says', () => {
    const bundle = bundleFromBlock(channelBlock('v1.1'), parts);
    assert.equal(bundle.channelId, 'mychannel');
    assert.equal(bundle.sequence, 1n);
    assert.equal(bundle.channelCapabilityLevel, 'V1_1');
    assert.deepEqual(
      bundle.ordererEndpoints.map(({ address }) => address),
      ['127.0.0.1:21050'],
    );
    assert.deepEqual([...bundle.msps.mspIds].sort(), ['OrdererMSP', 'Org1MSP', 'Org2MSP']);
    assert.equal(bundle.application?.capabilities.level, 'V1_1');
    assert.ok(bundle.application?.capabilities.v11Validation && !bundle.application.capabilities.acls);
    const orgs = bundle.application?.orgs.map(({ name, mspId, anchorPeers }) => [name, mspId, anchorPeers.length]).sort();
    assert.deepEqual(orgs, [
      ['Org1MSP', 'Org1MSP', 0],
      ['Org2MSP', 'Org2MSP', 0],
    ]);
    const { orgs: ordererOrgs, consenters, ...settings } = bundle.orderer ?? assert.fail('no orderer');
    assert.deepEqual(consenters, []);
    assert.deepEqual(settings, {
      consensusType: 'solo',
      batchSize: { maxMessageCount: 10, absoluteMaxBytes: 102_760_448, preferredMaxBytes: 524_288 },
      batchTimeoutMs: 700,
      capabilityLevel: 'V1_1',
      expirationCheck: true,
      maintenance: false,
    });
    assert.deepEqual(
      ordererOrgs.map(({ tlsRoots: _, ...org }) => org),
      [{ name: 'OrdererMSP', mspId: 'OrdererMSP', endpoints: [] }],
    );
  });

  it('holds what the recorded 2.4 channel says', () => {
    const bundle = bundleFromBlock(channelBlock('v2.4'), parts);
    assert.equal(bundle.channelCapabilityLevel, 'V2_0');
    assert.ok(bundle.application?.capabilities.lifecycleV20 && !bundle.application.capabilities.purgePvtData);
    assert.deepEqual(
      bundle.orderer?.orgs.map(({ tlsRoots: _, ...org }) => org),
      [{ name: 'OrdererMSP', mspId: 'OrdererMSP', endpoints: ['127.0.0.1:25050'] }],
    );
    assert.deepEqual(
      bundle.ordererEndpoints.map(({ address }) => address),
      ['127.0.0.1:25050'],
    );
    assert.ok(bundle.policies.has('/Channel/Application/LifecycleEndorsement'));
  });

  it.each(NETWORKS)('reads the system channel of %s, which has no application', (network) => {
    const bundle = bundleFromBlock(common.Block.decode(readFixture(`${network}/config/genesis.block`)), parts);
    assert.equal(bundle.application, undefined);
    assert.ok(bundle.msps.mspIds.includes('Org1MSP'));
  });

  it('does not depend on the bytes it was read from', () => {
    const bytes = readFixture('v2.4/config/channel.block');
    const bundle = bundleFromBlock(common.Block.decode(bytes), parts);
    const before = common.Config.encode(bundle.config);
    bytes.fill(0xff);
    assert.deepEqual(common.Config.encode(bundle.config), before);
  });

  describe('is refused', () => {
    const refusal = (change: (group: common.ConfigGroup) => common.ConfigGroup, message: RegExp, network: Network = 'v2.4') =>
      assert.throws(() => bundleFromConfig('ch', { sequence: 0n, type: 0, channelGroup: change(genesisGroup(network)) }, parts), {
        code: 'CONFIG_INVALID',
        message,
      });
    const capability = (name: string) => common.Capabilities.encode({ capabilities: new Map([[name, {}]]) });

    it('with a capability it does not know, which it names', () => {
      for (const [path, group] of [
        [[], 'Channel'],
        [['Orderer'], 'Orderer'],
        [['Application'], 'Application'],
      ] as const) {
        refusal(
          (root) => withValue(root, path, 'Capabilities', capability('V9_7')),
          new RegExp(`${group} capability V9_7 is required but not supported`),
        );
      }
    });

    it('of 3.x with channel-wide orderer addresses, or an orderer organisation without its own', () => {
      const addresses = common.OrdererAddresses.encode({ addresses: ['a:7050'] });
      const modern = (root: common.ConfigGroup) => withValue(root, [], 'Capabilities', capability('V3_0'));
      refusal(
        (root) => withValue(modern(root), [], 'OrdererAddresses', addresses),
        /global OrdererAddresses are not allowed with V3_0 capability/,
      );
      const none = (root: common.ConfigGroup) => withValue(root, ['Orderer', 'OrdererMSP'], 'Endpoints', new Uint8Array(0));
      refusal(
        (root) => none(without(modern(root), [], 'OrdererAddresses')),
        /some orderer organizations endpoints are empty: \[OrdererMSP\]/,
      );
    });

    it('with a value it does not know, wherever it is', () => {
      for (const path of [[], ['Orderer'], ['Orderer', 'OrdererMSP'], ['Application'], ['Application', 'Org1MSP']]) {
        refusal((root) => withValue(root, path, 'Surprise', new Uint8Array(0)), /failed to deserialize values: Unexpected key Surprise/);
      }
    });

    it('with a value that does not parse', () => {
      refusal((root) => withValue(root, ['Orderer'], 'BatchSize', new Uint8Array([0x0a])), /failed to deserialize values: BatchSize/);
    });

    it('with an unknown group or an organisation with groups', () => {
      const stray = genesisGroup('v2.4');
      refusal((root) => ({ ...root, groups: new Map([...root.groups, ['Extra', stray]]) }), /Disallowed channel group: Extra/);
      refusal(
        (root) => changed(root, ['Application', 'Org1MSP'], (org) => ({ ...org, groups: new Map([['Sub', stray]]) })),
        /does not allow sub-groups/,
      );
    });

    it('with settings that make no sense', () => {
      const size = (init: orderer.BatchSizeInit) =>
        orderer.BatchSize.encode({ maxMessageCount: 1, absoluteMaxBytes: 1, preferredMaxBytes: 1, ...init });
      refusal(
        (root) => withValue(root, ['Orderer'], 'BatchSize', size({ maxMessageCount: 0 })),
        /max message count to an invalid value: 0/,
      );
      refusal(
        (root) => withValue(root, ['Orderer'], 'BatchSize', size({ preferredMaxBytes: 2 })),
        /\(2\) greater than the absolute max bytes \(1\)/,
      );
      refusal((root) => withValue(root, ['Orderer'], 'BatchTimeout', orderer.BatchTimeout.encode({ timeout: '0s' })), /non-positive/);
      refusal((root) => withValue(root, ['Orderer'], 'BatchTimeout', orderer.BatchTimeout.encode({ timeout: 'soon' })), /invalid value/);
      refusal(
        (root) => withValue(root, [], 'HashingAlgorithm', common.HashingAlgorithm.encode({ name: 'MD5' })),
        /Unknown hashing algorithm type: MD5/,
      );
      refusal(
        (root) => withValue(root, [], 'BlockDataHashingStructure', common.BlockDataHashingStructure.encode({ width: 2 })),
        /MaxUint32/,
      );
      refusal(
        (root) => withValue(root, ['Orderer'], 'KafkaBrokers', orderer.KafkaBrokers.encode({ brokers: ['nowhere'] })),
        /Invalid broker entry: nowhere/,
      );
    });

    it('with something its capabilities do not allow yet', () => {
      const acls = protos.ACLs.encode({ acls: new Map([['peer/Propose', { policyRef: 'Admins' }]]) });
      refusal((root) => withValue(root, ['Application'], 'ACLs', acls), /ACLs may not be specified/, 'v1.1');
      const endpoints = common.OrdererAddresses.encode({ addresses: ['a:1'] });
      refusal((root) => withValue(root, ['Orderer', 'OrdererMSP'], 'Endpoints', endpoints), /until V1_4_2\+/, 'v1.1');
      refusal((root) => without(root, [], 'OrdererAddresses'), /Must set some OrdererAddresses/, 'v1.1');
      refusal((root) => without(root, ['Orderer'], 'Capabilities'), /cannot enable channel capabilities without orderer support first/);
      bundleFromConfig(
        'ch',
        { sequence: 0n, type: 0, channelGroup: withValue(genesisGroup('v2.4'), ['Application'], 'ACLs', acls) },
        parts,
      );
    });

    it('with a channel id Fabric would refuse', () => {
      const { config } = configEnvelopeOfBlock(channelBlock('v2.4'));
      assert.throws(() => bundleFromConfig('My_Channel', config, parts), {
        code: 'CONFIG_INVALID',
        message: "bad channel ID: 'My_Channel' contains illegal characters",
      });
    });
  });
});

describe.skipIf(!fixtures)('configuration updates', () => {
  const next = (network: Network, bundle: ChannelBundle, number: number) =>
    validateConfigEnvelope(bundle, configEnvelopeOfBlock(ordererBlock(network, number)), parts);

  it.each(NETWORKS)('as recorded lead from block to block of %s', async (network) => {
    let bundle: ChannelBundle = bundleFromBlock(ordererBlock(network, 0), parts);
    for (const number of [1, 2]) {
      const recorded = configEnvelopeOfBlock(ordererBlock(network, number));
      const made = await validateConfigUpdate(bundle, recorded.lastUpdate ?? assert.fail('no update'));
      assert.equal(made.config?.sequence, recorded.config.sequence);
      assert.ok(equalGroups(made.config?.channelGroup ?? assert.fail(), recorded.config.channelGroup), `block ${number}`);
      bundle = await next(network, bundle, number);
    }
    assert.equal(bundle.sequence, 3n);
    assert.deepEqual(
      bundle.application?.orgs.map(({ anchorPeers }) => anchorPeers.length),
      [1, 1],
    );
  });

  it.each(NETWORKS)('of %s are refused when they are not the next', async (network) => {
    const bundle = bundleFromBlock(ordererBlock(network, 0), parts);
    await assert.rejects(next(network, bundle, 2), {
      code: 'CONFIG_INVALID',
      message: 'config currently at sequence 1, cannot validate config at sequence 3',
    });
    const after = await next(network, bundle, 1);
    const { lastUpdate } = configEnvelopeOfBlock(ordererBlock(network, 1));
    await assert.rejects(validateConfigUpdate(after, lastUpdate ?? assert.fail()), {
      code: 'CONFIG_INVALID',
      message:
        /^error authorizing update: error validating ReadSet: proposed update requires that key \[Group\] {2}\/Channel\/Application\/Org1MSP be at version 0, but it is currently at version 1$/,
    });
  });

  it('are refused with a result that is not theirs', async () => {
    const bundle = bundleFromBlock(ordererBlock('v2.4', 0), parts);
    const recorded = configEnvelopeOfBlock(ordererBlock('v2.4', 1));
    const channelGroup = withValue(
      recorded.config.channelGroup,
      ['Orderer'],
      'BatchTimeout',
      orderer.BatchTimeout.encode({ timeout: '1s' }),
    );
    await assert.rejects(validateConfigEnvelope(bundle, { ...recorded, config: { ...recorded.config, channelGroup } }, parts), {
      message: 'ConfigEnvelope LastUpdate did not produce the supplied config result',
    });
  });

  it('are refused without the signatures they need', async () => {
    for (const network of NETWORKS) {
      const bundle = bundleFromBlock(ordererBlock(network, 0), parts);
      const { lastUpdate } = configEnvelopeOfBlock(ordererBlock(network, 1));
      await assert.rejects(
        validateConfigUpdate(
          bundle,
          repacked(lastUpdate ?? assert.fail(), (update) => ({ ...update, signatures: [] })),
        ),
        {
          message:
            /^error authorizing update: error validating DeltaSet: policy for \[Group\] {2}\/Channel\/Application\/Org1MSP not satisfied: /,
        },
      );
    }
  });

  it('are refused for another channel and of another type', async () => {
    const bundle = bundleFromBlock(ordererBlock('v2.4', 0), parts);
    const { lastUpdate } = configEnvelopeOfBlock(ordererBlock('v2.4', 1));
    const foreign = repacked(lastUpdate ?? assert.fail(), (update) => {
      const decoded = common.ConfigUpdate.decode(update.configUpdate);
      return { ...update, configUpdate: common.ConfigUpdate.encode({ ...decoded, channelId: 'other' }) };
    });
    await assert.rejects(validateConfigUpdate(bundle, foreign), {
      message: "error authorizing update: ConfigUpdate for channel 'other' but envelope for channel 'lifechan'",
    });
    const config = common.Envelope.decode(ordererBlock('v2.4', 1).data?.data[0] ?? assert.fail());
    await assert.rejects(validateConfigUpdate(bundle, config), {
      message: 'error converting envelope to config update: invalid type CONFIG, expected CONFIG_UPDATE',
    });
  });

  it('that change nothing are refused', async () => {
    const bundle = bundleFromBlock(ordererBlock('v2.4', 0), parts);
    const { lastUpdate } = configEnvelopeOfBlock(ordererBlock('v2.4', 1));
    const empty = repacked(lastUpdate ?? assert.fail(), (update) => {
      const { readSet } = common.ConfigUpdate.decode(update.configUpdate);
      return { ...update, configUpdate: common.ConfigUpdate.encode({ channelId: 'lifechan', readSet, writeSet: readSet }) };
    });
    await assert.rejects(validateConfigUpdate(bundle, empty), {
      message: 'error authorizing update: error validating DeltaSet: delta set was empty -- update would have no effect',
    });
  });
});

describe.skipIf(!fixtures)('recorded block signatures', () => {
  const signedDataOf = ({ header, metadata }: common.Block): SignedData[] => {
    const { value, signatures } = common.Metadata.decode(metadata?.metadata[common.BlockMetadataIndex.SIGNATURES] ?? assert.fail());
    return signatures.map(({ signatureHeader, signature }) => ({
      data: concatBytes(value, signatureHeader, blockHeaderBytes(header ?? assert.fail())),
      identity: common.SignatureHeader.decode(signatureHeader).creator,
      signature,
    }));
  };

  it.each(NETWORKS)('of %s satisfy BlockValidation, and not of another block', async (network) => {
    const { policies } = bundleFromBlock(channelBlock(network), parts);
    const policy = policies.get('/Channel/Orderer/BlockValidation');
    for (let number = 1; number <= 12; number += 1) {
      const block = ordererBlock(network, number);
      assert.deepEqual(await policy.evaluate(signedDataOf(block)), { ok: true }, `block ${number}`);
      const { header } = block;
      const verdict = await policy.evaluate(signedDataOf({ ...block, header: header && { ...header, number: header.number + 1n } }));
      assert.equal(verdict.ok, false);
    }
  });
});

/** The tree with one group changed. */
function changed(
  group: common.ConfigGroup,
  path: readonly string[],
  change: (group: common.ConfigGroup) => common.ConfigGroup,
): common.ConfigGroup {
  const [first, ...rest] = path;
  if (first === undefined) return change(group);
  const inner = group.groups.get(first) ?? assert.fail(`no group ${first}`);
  return { ...group, groups: new Map([...group.groups, [first, changed(inner, rest, change)]]) };
}

const withValue = (group: common.ConfigGroup, path: readonly string[], key: string, value: Uint8Array): common.ConfigGroup =>
  changed(group, path, (found) => ({ ...found, values: new Map([...found.values, [key, { version: 0n, value, modPolicy: 'Admins' }]]) }));

const without = (group: common.ConfigGroup, path: readonly string[], key: string): common.ConfigGroup =>
  changed(group, path, (found) => ({ ...found, values: new Map([...found.values].filter(([name]) => name !== key)) }));

/** A CONFIG_UPDATE envelope with another content. */
function repacked(
  envelope: common.Envelope,
  change: (update: common.ConfigUpdateEnvelope) => common.ConfigUpdateEnvelopeInit,
): common.Envelope {
  const { header, data } = common.Payload.decode(envelope.payload);
  const changedData = common.ConfigUpdateEnvelope.encode(change(common.ConfigUpdateEnvelope.decode(data)));
  return { payload: common.Payload.encode({ header, data: changedData }), signature: envelope.signature };
}
