import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { txIdOf } from '../../protos/hashes.ts';
import { common, msp } from '../../protos/messages.ts';
import { SignatureVerifier } from '../identities/signature-verifier.ts';
import { createOrganization, mspDefinition } from '../material/organization.ts';
import { bundleFromBlock } from './bundle.ts';
import type { CapabilityLevels, ChannelSpec } from './channel-spec.ts';
import { LEGACY_LIFECYCLE, LIFECYCLE_V2 } from './channel-spec.ts';
import { channelIdOfBlock, configEnvelopeOfBlock } from './config-block.ts';
import { equalGroups } from './config-tree.ts';
import { buildGenesisBlock } from './genesis-block.ts';

const made = { now: new Date('2026-11-22T07:19:30.500Z'), nonce: new Uint8Array(24).fill(7) };
const batch = { maxMessageCount: 10, absoluteMaxBytes: 103_809_024, preferredMaxBytes: 524_288, timeout: '700ms' };

describe.skipIf(!fixtures)('a genesis block', () => {
  const recordedGroup = (): common.ConfigGroup =>
    configEnvelopeOfBlock(common.Block.decode(readFixture('v2.4/config/channel.block'))).config.channelGroup;
  const at = (group: common.ConfigGroup, ...names: string[]): common.ConfigGroup =>
    names.reduce((inside, name) => inside.groups.get(name) ?? assert.fail(`no group ${name}`), group);
  const definition = (...names: string[]) => {
    const { config } = msp.MSPConfig.decode(at(recordedGroup(), ...names).values.get('MSP')?.value ?? assert.fail('no MSP'));
    return { msp: msp.FabricMSPConfig.decode(config) };
  };
  const build = () =>
    buildGenesisBlock(
      {
        channelId: 'lifechan',
        applicationOrgs: [definition('Application', 'Org1MSP'), definition('Application', 'Org2MSP')],
        ordererOrgs: [{ ...definition('Orderer', 'OrdererMSP'), endpoints: ['127.0.0.1:25050'] }],
        capabilities: { ...LIFECYCLE_V2, application: 'V2_0' },
        batch,
      },
      made,
    );

  it('has the groups configtxgen made of the same organisations', () => {
    const built = configEnvelopeOfBlock(build()).config.channelGroup;
    const recorded = recordedGroup();
    // Made through a system channel, the recorded channel names its consortium and has a second version of the application group.
    const values = new Map([...recorded.values].filter(([name]) => name !== 'Consortium'));
    const application = { ...at(recorded, 'Application'), version: 0n };
    assert.ok(equalGroups(at(built, 'Orderer'), at(recorded, 'Orderer')));
    assert.ok(equalGroups(at(built, 'Application'), application));
    assert.ok(equalGroups(built, { ...recorded, values, groups: new Map([...recorded.groups, ['Application', application]]) }));
  });

  it('has the envelope and metadata of configtxgen', () => {
    const block = build();
    const recorded = common.Block.decode(readFixture('v2.4/config/genesis.block'));
    assert.deepEqual(block.metadata?.metadata.map(hexOf), recorded.metadata?.metadata.map(hexOf));
    assert.equal(hexOf(block.metadata?.metadata[0] ?? new Uint8Array(0)), '0a020a00');
    const headerOf = (of: common.Block) => {
      const envelope = common.Envelope.decode(of.data?.data[0] ?? assert.fail());
      const { header } = common.Payload.decode(envelope.payload);
      const channel = common.ChannelHeader.decode(header?.channelHeader ?? assert.fail());
      const { nonce, creator } = common.SignatureHeader.decode(header?.signatureHeader ?? assert.fail());
      assert.equal(channel.txId, txIdOf(nonce, creator));
      return {
        signature: envelope.signature.length,
        type: channel.type,
        version: channel.version,
        epoch: channel.epoch,
        nonce: nonce.length,
        creator: creator.length,
      };
    };
    assert.deepEqual(headerOf(block), headerOf(recorded));
    assert.equal(channelIdOfBlock(block), 'lifechan');
  });

  it('names anchor peers and leaves out what a level forbids', () => {
    const { config } = configEnvelopeOfBlock(
      buildGenesisBlock(
        {
          channelId: 'dev',
          applicationOrgs: [{ ...definition('Application', 'Org1MSP'), name: 'Org1', anchorPeers: [{ host: 'peer0', port: 7051 }] }],
          ordererOrgs: [{ ...definition('Orderer', 'OrdererMSP'), endpoints: ['orderer:7050'] }],
          capabilities: { channel: 'V1_1', orderer: 'V1_1', application: 'V1_1' },
        },
        made,
      ),
    );
    assert.ok(at(config.channelGroup, 'Application', 'Org1').values.has('AnchorPeers'));
    assert.ok(!at(config.channelGroup, 'Application').policies.has('Endorsement'));
    assert.ok(!at(config.channelGroup, 'Orderer', 'OrdererMSP').values.has('Endpoints'));
  });

  it('refuses a channel id Fabric would refuse', () => {
    for (const channelId of ['', 'My-Channel', '1st', 'a'.repeat(250)]) {
      assert.throws(() => buildGenesisBlock({ channelId, applicationOrgs: [], ordererOrgs: [] }, made), { code: 'CONFIG_INVALID' });
    }
  });
});

describe('a development network', () => {
  const spec = async (capabilities: CapabilityLevels): Promise<ChannelSpec> => {
    const [org1, org2] = await Promise.all(
      ['1', '2'].map((n) =>
        createOrganization({ kind: 'peer', mspId: `Org${n}MSP`, domain: `org${n}.example.com`, nodes: [], users: [] }, new Date()),
      ),
    );
    const first = { msp: mspDefinition(org1 ?? assert.fail()) };
    // The first organisation also runs the orderer, with the same MSP in both places.
    return {
      channelId: 'dev',
      applicationOrgs: [first, { msp: mspDefinition(org2 ?? assert.fail()) }],
      ordererOrgs: [{ ...first, endpoints: ['localhost:7050'] }],
      capabilities,
    };
  };
  const parts = { verifier: new SignatureVerifier() };

  it.each([
    ['the lifecycle of 1.x', LEGACY_LIFECYCLE],
    ['the lifecycle of 2.x', LIFECYCLE_V2],
  ] as const)('can be used with %s', async (_, levels) => {
    const bundle = bundleFromBlock(buildGenesisBlock(await spec(levels), made), parts);
    assert.equal(bundle.application?.capabilities.level, levels.application);
    assert.equal(bundle.application?.capabilities.lifecycleV20, levels === LIFECYCLE_V2);
    assert.equal(bundle.application?.capabilities.purgePvtData, levels === LIFECYCLE_V2);
    assert.deepEqual([...bundle.msps.mspIds].sort(), ['Org1MSP', 'Org2MSP']);
    assert.deepEqual(
      bundle.ordererEndpoints.map(({ address }) => address),
      ['localhost:7050'],
    );
    assert.equal(bundle.ordererEndpoints[0]?.tlsRoots.length, 1);
    assert.equal(bundle.orderer?.batchTimeoutMs, 250);
    for (const path of [
      'Readers',
      'Writers',
      'Admins',
      'Orderer/BlockValidation',
      'Application/Endorsement',
      'Application/Org2MSP/Endorsement',
    ]) {
      assert.ok(bundle.policies.has(`/Channel/${path}`), path);
    }
  });

  it('cannot define an organisation in two ways', async () => {
    const { applicationOrgs, ordererOrgs, ...rest } = await spec(LIFECYCLE_V2);
    const [first, second] = applicationOrgs;
    const other = { ...(first ?? assert.fail()), msp: { ...second?.msp, name: 'Org1MSP' } };
    assert.throws(() => bundleFromBlock(buildGenesisBlock({ ...rest, ordererOrgs, applicationOrgs: [other] }, made), parts), {
      code: 'CONFIG_INVALID',
      message: /attempted to define two different versions of MSP: Org1MSP/,
    });
  });
});

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
