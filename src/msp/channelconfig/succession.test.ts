import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { developmentSet as fixtures, readFixture } from '../../../test/fixtures.ts';
import { common } from '../../protos/messages.ts';
import { SignatureVerifier } from '../identities/signature-verifier.ts';
import { bundleFromBlock } from './bundle.ts';
import type { ChannelBundle } from './channel-bundle.ts';
import { checkSuccession } from './succession.ts';

describe.skipIf(!fixtures)('a configuration that follows another', () => {
  const bundle = (network: string, file = 'channel'): ChannelBundle =>
    bundleFromBlock(common.Block.decode(readFixture(`${network}/config/${file}.block`)), { verifier: new SignatureVerifier() });
  const refused = (current: ChannelBundle, next: ChannelBundle, message: string) =>
    assert.throws(() => checkSuccession(current, next), { code: 'CONFIG_INVALID', message });
  const migrated = (of: ChannelBundle): ChannelBundle => ({
    ...of,
    orderer: { ...(of.orderer ?? assert.fail()), consensusType: 'etcdraft' },
  });

  it('may be the same', () => checkSuccession(bundle('v2.4'), bundle('v2.4')));

  it('keeps its orderers and its application', () => {
    const current = bundle('v2.4');
    refused(current, { ...current, orderer: undefined }, 'current config has orderer section, but new config does not');
    refused(current, { ...current, application: undefined }, 'current config has application section, but new config does not');
  });

  it('changes the consensus type only where that is a capability', () => {
    refused(bundle('v1.1'), migrated(bundle('v1.1')), 'attempted to change consensus type from solo to etcdraft');
    checkSuccession(bundle('v2.4'), migrated(bundle('v2.4')));
  });

  it('keeps the MSP ids of its organisations, which may come and go', () => {
    const current = bundle('v2.4');
    const application = current.application ?? assert.fail();
    const [first, ...rest] = application.orgs;
    const renamed = { ...(first ?? assert.fail()), mspId: 'OtherMSP' };
    refused(
      current,
      { ...current, application: { ...application, orgs: [renamed, ...rest] } },
      `application org ${first?.name} attempted to change MSP ID from ${first?.mspId} to OtherMSP`,
    );
    checkSuccession(current, { ...current, application: { ...application, orgs: rest } });
  });

  it('does not become a system channel, and a system channel stays one', () => {
    const [channel, system] = [bundle('v2.4'), bundle('v2.4', 'genesis')];
    const asSystem = { ...channel, config: system.config };
    refused(channel, asSystem, 'current config has no consortiums section, but new config does');
    refused(asSystem, channel, 'current config has consortiums section, but new config does not');
  });
});
